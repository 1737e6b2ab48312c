#include "common/known_log.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/private_file.h"
#include "common/unique_fd.h"
#include "google/protobuf/util/json_util.h"

namespace ephemera {
namespace {

constexpr size_t kRawKeyBytes = 32;

std::string KeyPath(const std::string& directory) {
  return absl::StrCat(directory, "/audit.pub");
}

std::string CheckpointPath(const std::string& directory) {
  return absl::StrCat(directory, "/checkpoint");
}

}  // namespace

absl::StatusOr<std::string> ParsePublicKey(const std::string& text) {
  const absl::string_view digits = absl::StripAsciiWhitespace(text);
  if (digits.size() != 2 * kRawKeyBytes ||
      !std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit)) {
    return absl::InvalidArgumentError(
        "a public key is 64 hexadecimal digits, as in audit.pub");
  }
  return absl::HexStringToBytes(digits);
}

absl::StatusOr<KnownLog> KnownLog::Load(std::string directory) {
  KnownLog log(std::move(directory));
  const absl::StatusOr<std::string> key =
      ReadSmallFile(KeyPath(log.directory_));
  if (key.ok()) {
    absl::StatusOr<std::string> parsed = ParsePublicKey(*key);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          KeyPath(log.directory_), ": ", parsed.status().message()));
    }
    log.public_key_ = *std::move(parsed);
  } else if (!absl::IsNotFound(key.status())) {
    return key.status();
  }
  const absl::StatusOr<std::string> text =
      ReadSmallFile(CheckpointPath(log.directory_));
  if (absl::IsNotFound(text.status())) return log;
  if (!text.ok()) return text.status();
  if (!google::protobuf::util::JsonStringToMessage(*text, &log.checkpoint_)
           .ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(CheckpointPath(log.directory_), " holds no checkpoint"));
  }
  return log;
}

absl::Status KnownLog::Accept(const v1::Checkpoint& next,
                              const std::vector<std::string>& proof,
                              const std::string& shown_key, bool may_pin) {
  const std::string& key =
      public_key_.empty() && may_pin ? shown_key : public_key_;
  if (key.empty()) {
    return absl::DataLossError("the key of the audit log is not known");
  }
  absl::Status status = CheckContinuation(checkpoint_, next, proof, key);
  if (status.ok() && public_key_.empty()) status = StoreKey(key);
  if (status.ok() && next.tree_size() != checkpoint_.tree_size()) {
    status = StoreCheckpoint(next);
  }
  return status;
}

absl::Status KnownLog::Begin(const std::string& directory,
                             const std::string& public_key,
                             const v1::Checkpoint& checkpoint) {
  KnownLog log(directory);
  std::error_code error;
  std::filesystem::remove(CheckpointPath(directory), error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        "cannot remove ", CheckpointPath(directory), ": ", error.message()));
  }
  absl::Status status = log.StoreKey(public_key);
  if (status.ok()) status = log.StoreCheckpoint(checkpoint);
  return status;
}

absl::Status KnownLog::StoreKey(const std::string& public_key) {
  if (!directory_.empty()) {
    absl::Status status = MakePrivateDirectory(directory_);
    if (!status.ok()) return status;
    status = WriteFileAtomically(
        KeyPath(directory_),
        absl::StrCat(absl::BytesToHexString(public_key), "\n"));
    if (!status.ok()) return status;
  }
  public_key_ = public_key;
  return absl::OkStatus();
}

absl::Status KnownLog::StoreCheckpoint(const v1::Checkpoint& checkpoint) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(checkpoint, &text, options)
           .ok()) {
    return absl::DataLossError("the checkpoint's time is out of range");
  }
  if (!directory_.empty()) {
    // Two commands of one user may be here at once.
    const UniqueFd directory(
        open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.valid()) flock(directory.get(), LOCK_EX);
    const absl::StatusOr<KnownLog> stored = Load(directory_);
    if (!stored.ok() ||
        stored->checkpoint().tree_size() < checkpoint.tree_size()) {
      absl::Status status = WriteFileAtomically(CheckpointPath(directory_),
                                                absl::StrCat(text, "\n"));
      if (!status.ok()) return status;
    }
  }
  checkpoint_ = checkpoint;
  return absl::OkStatus();
}

std::string KnownLog::HowToForget(bool may_pin) const {
  if (directory_.empty()) return "start again";
  if (may_pin) {
    return absl::StrCat("remove ", CheckpointPath(directory_), " and ",
                        KeyPath(directory_));
  }
  return absl::StrCat("remove ", CheckpointPath(directory_),
                      "; where its key is another one as well, use a new token "
                      "with --force");
}

}  // namespace ephemera
