#ifndef EPHEMERA_COMMON_KNOWN_LOG_H_
#define EPHEMERA_COMMON_KNOWN_LOG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ephemera/v1/checkpoint.pb.h"

namespace ephemera {

// What one party knows of a controller's audit log, kept in a directory: the
// key that signs (audit.pub, 64 hexadecimal digits) and the last checkpoint
// that it saw (checkpoint, JSON). Not thread-safe.
class KnownLog {
 public:
  // Reads the two files, which may be missing. The directory need not exist.
  // INVALID_ARGUMENT where one of them holds something else, UNAVAILABLE where
  // it cannot be read.
  static absl::StatusOr<KnownLog> Load(std::string directory);
  // Nothing known, and nothing kept beyond the object's life.
  static KnownLog InMemory() { return KnownLog(""); }

  // 32 bytes; empty where none is known.
  const std::string& public_key() const { return public_key_; }
  // tree_size is 0 where none is known.
  const v1::Checkpoint& checkpoint() const { return checkpoint_; }

  // Takes `next` over as the newest, on disk first, unless another process that
  // shares the directory knows a newer one, where it is signed by the
  // known key and the proof shows that its log continues the one known. Where
  // no key is known and `may_pin`, `shown_key` is taken as the key. DATA_LOSS
  // as CheckContinuation(); UNAVAILABLE where it cannot be stored.
  absl::Status Accept(const v1::Checkpoint& next,
                      const std::vector<std::string>& proof,
                      const std::string& shown_key, bool may_pin);

  // Begins anew with what an enrolment brought, whatever the files are. A crash
  // leaves the old log, nothing, the new key alone, or the new log.
  static absl::Status Begin(const std::string& directory,
                            const std::string& public_key,
                            const v1::Checkpoint& checkpoint);

  // What to say to somebody who knows why the log is another one; `may_pin` as
  // with Accept().
  std::string HowToForget(bool may_pin) const;

 private:
  explicit KnownLog(std::string directory) : directory_(std::move(directory)) {}

  absl::Status StoreKey(const std::string& public_key);
  absl::Status StoreCheckpoint(const v1::Checkpoint& checkpoint);

  // Empty: in memory.
  std::string directory_;
  std::string public_key_;
  v1::Checkpoint checkpoint_;
};

// The 32 bytes of a public key from 64 hexadecimal digits, blanks around them
// forgiven. INVALID_ARGUMENT.
absl::StatusOr<std::string> ParsePublicKey(const std::string& text);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_KNOWN_LOG_H_
