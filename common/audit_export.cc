#include "common/audit_export.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/checkpoint.h"
#include "common/known_log.h"
#include "common/merkle_tree.h"
#include "common/proto_time.h"
#include "ephemera/v1/audit_service.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace ephemera {
namespace {

constexpr absl::string_view kFormat = "ephemera-audit-1";
constexpr size_t kMaxLine = size_t{1} << 20;

std::string QuotedHex(const std::string& bytes) {
  return absl::StrCat("\"", absl::BytesToHexString(bytes), "\"");
}

// A line as a JSON object; false where it is none.
bool ParseObject(const std::string& line, google::protobuf::Struct& object) {
  return google::protobuf::util::JsonStringToMessage(line, &object).ok();
}

const google::protobuf::Value& Field(const google::protobuf::Struct& object,
                                     const std::string& name) {
  const auto found = object.fields().find(name);
  return found == object.fields().end()
             ? google::protobuf::Value::default_instance()
             : found->second;
}

bool FromHex(const std::string& text, std::string& bytes) {
  if (text.size() % 2 != 0) return false;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
  }
  bytes = absl::HexStringToBytes(text);
  return true;
}

// What AuditExportCheckpoint() wrote. False where it is not that.
bool ParseCheckpoint(const std::string& line, v1::Checkpoint& checkpoint,
                     std::vector<std::string>& proof) {
  google::protobuf::Struct object;
  if (!ParseObject(line, object)) return false;
  const google::protobuf::Struct& fields =
      Field(object, "checkpoint").struct_value();
  uint64_t size = 0;
  std::string root;
  std::string signature;
  absl::Time time;
  std::string error;
  if (!absl::SimpleAtoi(Field(fields, "tree_size").string_value(), &size) ||
      !FromHex(Field(fields, "root_hash").string_value(), root) ||
      !FromHex(Field(fields, "signature").string_value(), signature) ||
      !absl::ParseTime(absl::RFC3339_full, Field(fields, "time").string_value(),
                       &time, &error)) {
    return false;
  }
  checkpoint.set_tree_size(size);
  checkpoint.set_root_hash(std::move(root));
  checkpoint.set_signature(std::move(signature));
  *checkpoint.mutable_time() = ToProto(time);
  proof.clear();
  for (const auto& value :
       Field(object, "consistency_proof").list_value().values()) {
    proof.emplace_back();
    if (!FromHex(value.string_value(), proof.back())) return false;
  }
  return true;
}

absl::Status WrongEntry(uint64_t index, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("entry ", index, ": ", what));
}

// Reads a line without its newline. False at the end of the input.
absl::StatusOr<bool> ReadLine(std::istream& in, std::string& line) {
  line.clear();
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n') return true;
    if (line.size() >= kMaxLine) {
      return absl::InvalidArgumentError("a line is longer than 1 MiB");
    }
    line.push_back(static_cast<char>(c));
  }
  return !line.empty();
}

// Goes through an export, entry by entry.
class Verifier {
 public:
  Verifier(std::string public_key, const std::optional<v1::Checkpoint>& known)
      : public_key_(std::move(public_key)), known_(known) {}

  uint64_t next() const { return leaves_.size(); }
  const v1::Checkpoint& newest() const { return newest_; }

  absl::Status Take(const std::string& event_line,
                    const std::string& checkpoint_line) {
    const uint64_t index = next();
    v1::AuditEvent event;
    if (!google::protobuf::util::JsonStringToMessage(event_line, &event).ok()) {
      return WrongEntry(index, "is no audit event");
    }
    v1::Checkpoint checkpoint;
    std::vector<std::string> proof;
    if (!ParseCheckpoint(checkpoint_line, checkpoint, proof)) {
      return WrongEntry(index, "has no checkpoint after it");
    }
    if (event.index() != index || checkpoint.tree_size() != index + 1) {
      return WrongEntry(index,
                        absl::StrCat("is missing or out of order: entry ",
                                     event.index(), " is in its place"));
    }
    leaves_.Add(event_line);
    if (!VerifyCheckpoint(checkpoint, public_key_).ok()) {
      return WrongEntry(index, "its checkpoint is not signed by the log's key");
    }
    if (leaves_.Root() != checkpoint.root_hash()) {
      return WrongEntry(index, "was changed after it was signed");
    }
    const absl::Status status =
        CheckContinuation(newest_, checkpoint, proof, public_key_);
    if (!status.ok()) return WrongEntry(index, status.message());
    newest_ = std::move(checkpoint);
    return CheckKnown(index);
  }

  // What is known must be in the log, unless it holds more.
  absl::Status Finish() const {
    if (!known_.has_value() || known_->tree_size() <= next()) {
      return absl::OkStatus();
    }
    return WrongEntry(next(),
                      absl::StrCat("is missing: the log was cut; it had ",
                                   known_->tree_size(), " entries before"));
  }

 private:
  absl::Status CheckKnown(uint64_t index) const {
    if (!known_.has_value() || known_->tree_size() != next() ||
        known_->root_hash() == newest_.root_hash()) {
      return absl::OkStatus();
    }
    return WrongEntry(index,
                      "or one before it is not what it was when this log was "
                      "seen before, though it is signed");
  }

  const std::string public_key_;
  const std::optional<v1::Checkpoint> known_;
  merkle::Accumulator leaves_;
  v1::Checkpoint newest_;
};

// The public key that the first line names.
absl::StatusOr<std::string> ReadHeader(std::istream& in) {
  std::string line;
  const absl::StatusOr<bool> read = ReadLine(in, line);
  if (!read.ok()) return read.status();
  google::protobuf::Struct header;
  if (!*read || !ParseObject(line, header) ||
      Field(header, "format").string_value() != kFormat) {
    return absl::InvalidArgumentError(
        "this is no export of an audit log: its first line does not say so");
  }
  return ParsePublicKey(Field(header, "public_key").string_value());
}

}  // namespace

std::string AuditExportHeader(absl::string_view public_key) {
  return absl::StrCat("{\"format\":\"", kFormat,
                      "\",\"public_key\":", QuotedHex(std::string(public_key)),
                      "}\n");
}

std::string AuditExportCheckpoint(const v1::Checkpoint& checkpoint,
                                  const std::vector<std::string>& proof) {
  const absl::Time time =
      FromProto(checkpoint.time()).value_or(absl::UnixEpoch());
  return absl::StrCat(
      "{\"checkpoint\":{\"tree_size\":\"", checkpoint.tree_size(),
      "\",\"root_hash\":", QuotedHex(checkpoint.root_hash()), ",\"time\":\"",
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone()),
      "\",\"signature\":", QuotedHex(checkpoint.signature()),
      "},\"consistency_proof\":[",
      absl::StrJoin(proof, ",",
                    [](std::string* out, const std::string& hash) {
                      absl::StrAppend(out, QuotedHex(hash));
                    }),
      "]}\n");
}

absl::StatusOr<AuditExportSummary> VerifyAuditExport(
    std::istream& in, const std::optional<std::string>& public_key,
    const std::optional<v1::Checkpoint>& known, bool may_be_older) {
  const absl::StatusOr<std::string> named = ReadHeader(in);
  if (!named.ok()) return named.status();
  Verifier verifier(public_key.value_or(*named), known);
  std::string event;
  std::string checkpoint;
  while (true) {
    absl::StatusOr<bool> read = ReadLine(in, event);
    if (!read.ok()) return read.status();
    if (!*read) break;
    read = ReadLine(in, checkpoint);
    if (!read.ok()) return read.status();
    const absl::Status status = verifier.Take(event, checkpoint);
    if (status.ok()) continue;
    if (!public_key.has_value() || *public_key == *named) return status;
    return absl::Status(
        status.code(),
        absl::StrCat(status.message(), "; it names another key, ",
                     absl::BytesToHexString(*named)));
  }
  if (!may_be_older) {
    const absl::Status status = verifier.Finish();
    if (!status.ok()) return status;
  }
  return AuditExportSummary{.public_key = *named,
                            .events = verifier.next(),
                            .checkpoint = verifier.newest()};
}

}  // namespace ephemera
