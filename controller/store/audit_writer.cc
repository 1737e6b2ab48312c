#include "controller/store/audit_writer.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/proto_time.h"
#include "ephemera/v1/audit_service.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"

namespace ephemera::controller {
namespace {

constexpr char kReadNode[] =
    "SELECT hash FROM audit_nodes WHERE level = ? AND position = ?";
constexpr char kReadLastLeaf[] =
    "SELECT position FROM audit_nodes WHERE level = 0"
    " ORDER BY position DESC LIMIT 1";
constexpr char kWriteNode[] =
    "INSERT INTO audit_nodes (level, position, hash) VALUES (?, ?, ?)";
constexpr char kWriteEvent[] =
    "INSERT INTO audit_events (entry, text, actor, object, root_hash,"
    " checkpoint_us, signature) VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr char kReadNewestCheckpoint[] =
    "SELECT entry, root_hash, checkpoint_us, signature FROM audit_events"
    " ORDER BY entry DESC LIMIT 1";

// JSON has a form for UTF-8 alone, and protobuf's writer takes some other bytes
// for it which its reader refuses: parts of what peers wrote may be anything.
std::string Escaped(const std::string& text, bool escape) {
  return escape ? absl::CHexEscape(text) : text;
}

v1::AuditEvent EventOf(uint64_t index, absl::Time time, const AuditDraft& draft,
                       bool escape) {
  v1::AuditEvent event;
  event.set_index(index);
  *event.mutable_time() = ToProto(time);
  event.set_actor(Escaped(draft.actor, escape));
  event.set_source(Escaped(draft.source, escape));
  event.set_action(Escaped(draft.action, escape));
  event.set_object(Escaped(draft.object, escape));
  for (const auto& [key, value] : draft.before) {
    (*event.mutable_before())[Escaped(key, escape)] = Escaped(value, escape);
  }
  for (const auto& [key, value] : draft.after) {
    (*event.mutable_after())[Escaped(key, escape)] = Escaped(value, escape);
  }
  event.set_request_id(Escaped(draft.request_id, escape));
  event.set_outcome(draft.outcome);
  event.set_message(Escaped(draft.message, escape));
  return event;
}

// The leaf of `event`; absent where it would not read as that event.
std::optional<std::string> TextOf(const v1::AuditEvent& event) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  // An index of 0 too.
  options.always_print_primitive_fields = true;
  std::string text;
  v1::AuditEvent read;
  if (!google::protobuf::util::MessageToJsonString(event, &text, options)
           .ok() ||
      !google::protobuf::util::JsonStringToMessage(text, &read).ok() ||
      !google::protobuf::util::MessageDifferencer::Equals(event, read)) {
    return std::nullopt;
  }
  return text;
}

struct Leaf {
  v1::AuditEvent event;
  std::string text;
};

absl::StatusOr<Leaf> MakeLeaf(uint64_t index, absl::Time time,
                              const AuditDraft& draft) {
  for (const bool escape : {false, true}) {
    v1::AuditEvent event = EventOf(index, time, draft, escape);
    std::optional<std::string> text = TextOf(event);
    if (text.has_value()) return Leaf{std::move(event), *std::move(text)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the audit event '", draft.action, "' has no JSON form"));
}

absl::Status Broken(absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the audit log does not fit its key: ", what,
      ". Either audit.key in the data directory is not this database's, or the "
      "log was changed: put both back from a backup, and keep this copy as "
      "evidence"));
}

}  // namespace

v1::Checkpoint CheckpointOf(const SqliteRun& row, int first) {
  v1::Checkpoint checkpoint;
  checkpoint.set_tree_size(static_cast<uint64_t>(row.Int64(first)) + 1);
  checkpoint.set_root_hash(std::string(row.Blob(first + 1)));
  *checkpoint.mutable_time() =
      ToProto(absl::FromUnixMicros(row.Int64(first + 2)));
  checkpoint.set_signature(std::string(row.Blob(first + 3)));
  return checkpoint;
}

AuditWriter::AuditWriter(SqliteDatabase& database)
    : database_(database),
      read_node_(database, kReadNode),
      write_node_(database, kWriteNode),
      write_event_(database, kWriteEvent),
      read_newest_(database, kReadNewestCheckpoint) {}

absl::StatusOr<v1::Checkpoint> AuditWriter::ReadNewest() {
  SqliteRun run(read_newest_);
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  if (!*row) return v1::Checkpoint();
  return CheckpointOf(run, 0);
}

absl::StatusOr<uint64_t> AuditWriter::Size() {
  if (!size_.has_value()) {
    const absl::StatusOr<v1::Checkpoint> newest = ReadNewest();
    if (!newest.ok()) return newest.status();
    size_ = newest->tree_size();
  }
  return *size_;
}

absl::StatusOr<std::string> AuditWriter::ReadNode(merkle::NodeId id) {
  SqliteRun run(read_node_);
  run.Bind(id.level).Bind(static_cast<int64_t>(id.index));
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  if (!*row) {
    return absl::InternalError(absl::StrCat("the audit log's tree lacks node ",
                                            id.level, "/", id.index));
  }
  return std::string(run.Blob(0));
}

absl::StatusOr<uint64_t> AuditWriter::CountLeaves() {
  SqliteStatement statement(database_, kReadLastLeaf);
  SqliteRun run(statement);
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  return *row ? static_cast<uint64_t>(run.Int64(0)) + 1 : 0;
}

absl::Status AuditWriter::CheckTree(const v1::Checkpoint& newest) {
  if (!VerifyCheckpoint(newest, key_->RawPublicKey()).ok()) {
    return Broken("its newest checkpoint has another signature");
  }
  const absl::StatusOr<std::string> root = merkle::Root(
      newest.tree_size(), [this](merkle::NodeId id) { return ReadNode(id); });
  if (!root.ok()) return Broken(root.status().message());
  if (*root != newest.root_hash()) return Broken("its tree has another root");
  return absl::OkStatus();
}

absl::Status AuditWriter::SetKey(PrivateKey key) {
  key_ = std::move(key);
  const absl::StatusOr<v1::Checkpoint> newest = ReadNewest();
  if (!newest.ok()) return newest.status();
  const absl::StatusOr<uint64_t> leaves = CountLeaves();
  if (!leaves.ok()) return leaves.status();
  if (*leaves != newest->tree_size()) {
    return Broken(absl::StrCat("it has ", newest->tree_size(),
                               " entries, and the tree over them has ",
                               *leaves));
  }
  if (newest->tree_size() > 0) {
    absl::Status status = CheckTree(*newest);
    if (!status.ok()) return status;
  }
  const MutexLock lock(mutex_);
  newest_ = *newest;
  public_key_ = key_->RawPublicKey();
  return absl::OkStatus();
}

absl::Status AuditWriter::WriteNodes(uint64_t index, const std::string& text) {
  const auto nodes =
      merkle::AppendLeaf(index, merkle::LeafHash(text),
                         [this](merkle::NodeId id) { return ReadNode(id); });
  if (!nodes.ok()) return nodes.status();
  for (const auto& [id, hash] : *nodes) {
    SqliteRun run(write_node_);
    run.Bind(id.level).Bind(static_cast<int64_t>(id.index)).BindBlob(hash);
    absl::Status status = run.Finish();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> AuditWriter::Append(const AuditDraft& event,
                                             absl::Time now) {
  const absl::StatusOr<uint64_t> size = Size();
  if (!size.ok()) return size.status();
  const uint64_t index = *size;
  const absl::Time time = absl::FromUnixMicros(absl::ToUnixMicros(now));
  const absl::StatusOr<Leaf> leaf = MakeLeaf(index, time, event);
  if (!leaf.ok()) return leaf.status();
  absl::Status status = WriteNodes(index, leaf->text);
  if (!status.ok()) return status;
  const absl::StatusOr<std::string> root = merkle::Root(
      index + 1, [this](merkle::NodeId id) { return ReadNode(id); });
  if (!root.ok()) return root.status();
  absl::StatusOr<v1::Checkpoint> checkpoint =
      SignCheckpoint(index + 1, *root, time, *key_);
  if (!checkpoint.ok()) return checkpoint.status();
  SqliteRun run(write_event_);
  run.Bind(static_cast<int64_t>(index))
      .Bind(absl::string_view(leaf->text))
      .Bind(absl::string_view(leaf->event.actor()))
      .Bind(absl::string_view(leaf->event.object()))
      .BindBlob(*root)
      .Bind(absl::ToUnixMicros(time))
      .BindBlob(checkpoint->signature());
  status = run.Finish();
  if (!status.ok()) return status;
  size_ = index + 1;
  pending_ = *std::move(checkpoint);
  return index;
}

void AuditWriter::OnCommit() {
  if (!pending_.has_value()) return;
  {
    const MutexLock lock(mutex_);
    newest_ = *std::move(pending_);
  }
  pending_.reset();
}

void AuditWriter::OnRollback() {
  size_.reset();
  pending_.reset();
}

void AuditWriter::OnOperationUndone() {
  size_.reset();
  // Maybe of an earlier operation, and then it is what the transaction leaves.
  const absl::StatusOr<v1::Checkpoint> newest = ReadNewest();
  if (!newest.ok() || newest->tree_size() <= newest_checkpoint().tree_size()) {
    pending_.reset();
  } else {
    pending_ = *newest;
  }
}

v1::Checkpoint AuditWriter::newest_checkpoint() const {
  const MutexLock lock(mutex_);
  return newest_;
}

std::string AuditWriter::public_key() const {
  const MutexLock lock(mutex_);
  return public_key_;
}

}  // namespace ephemera::controller
