#ifndef EPHEMERA_COMMON_CHECKPOINT_H_
#define EPHEMERA_COMMON_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/private_key.h"
#include "ephemera/v1/checkpoint.pb.h"

namespace ephemera {

// What is signed: four lines, each ended by a newline:
// "ephemera-checkpoint-v1", the size in decimal, the root in hexadecimal, the
// time in microseconds since the Unix epoch in decimal.
std::string CheckpointText(const v1::Checkpoint& checkpoint);

// REQUIRES: key.IsEd25519(). INTERNAL where OpenSSL fails.
absl::StatusOr<v1::Checkpoint> SignCheckpoint(uint64_t tree_size,
                                              absl::string_view root_hash,
                                              absl::Time time,
                                              const PrivateKey& key);

// OK where the signature is that of `public_key` (32 bytes). DATA_LOSS, saying
// so, where it is not.
absl::Status VerifyCheckpoint(const v1::Checkpoint& checkpoint,
                              absl::string_view public_key);

// OK where `next` carries a valid signature and the log of `next` is that of
// `known`, unchanged, with or without more entries. `known` may have tree_size
// 0: nothing known yet. DATA_LOSS with the reason in one line: forged
// signature, a log that was cut (`next` is shorter), rewritten (the proof does
// not hold).
absl::Status CheckContinuation(const v1::Checkpoint& known,
                               const v1::Checkpoint& next,
                               const std::vector<std::string>& proof,
                               absl::string_view public_key);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_CHECKPOINT_H_
