#include "common/checkpoint.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/merkle_tree.h"
#include "common/proto_time.h"

namespace ephemera {

std::string CheckpointText(const v1::Checkpoint& checkpoint) {
  const int64_t time_us = absl::ToUnixMicros(
      FromProto(checkpoint.time()).value_or(absl::UnixEpoch()));
  return absl::StrCat("ephemera-checkpoint-v1\n", checkpoint.tree_size(), "\n",
                      absl::BytesToHexString(checkpoint.root_hash()), "\n",
                      time_us, "\n");
}

absl::StatusOr<v1::Checkpoint> SignCheckpoint(uint64_t tree_size,
                                              absl::string_view root_hash,
                                              absl::Time time,
                                              const PrivateKey& key) {
  v1::Checkpoint checkpoint;
  checkpoint.set_tree_size(tree_size);
  checkpoint.set_root_hash(std::string(root_hash));
  *checkpoint.mutable_time() =
      ToProto(absl::FromUnixMicros(absl::ToUnixMicros(time)));
  absl::StatusOr<std::string> signature = key.Sign(CheckpointText(checkpoint));
  if (!signature.ok()) return signature.status();
  checkpoint.set_signature(*std::move(signature));
  return checkpoint;
}

absl::Status VerifyCheckpoint(const v1::Checkpoint& checkpoint,
                              absl::string_view public_key) {
  // What is signed has no room for anything else: such a checkpoint would be
  // two at once.
  if (checkpoint.time().nanos() % 1000 == 0 &&
      FromProto(checkpoint.time()).ok() &&
      VerifyEd25519(public_key, CheckpointText(checkpoint),
                    checkpoint.signature())) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat("the checkpoint of ", checkpoint.tree_size(),
                   " entries is not signed by the audit log's key"));
}

absl::Status CheckContinuation(const v1::Checkpoint& known,
                               const v1::Checkpoint& next,
                               const std::vector<std::string>& proof,
                               absl::string_view public_key) {
  absl::Status status = VerifyCheckpoint(next, public_key);
  if (!status.ok()) return status;
  if (next.tree_size() < known.tree_size()) {
    return absl::DataLossError(
        absl::StrCat("the audit log was cut: it has ", next.tree_size(),
                     " entries and had ", known.tree_size()));
  }
  if (!merkle::VerifyConsistency(known.tree_size(), next.tree_size(),
                                 known.root_hash(), next.root_hash(), proof)) {
    return absl::DataLossError(
        absl::StrCat("the audit log was rewritten: its first ",
                     known.tree_size(), " entries are not what they were"));
  }
  return absl::OkStatus();
}

}  // namespace ephemera
