#ifndef EPHEMERA_COMMON_AUDIT_EXPORT_H_
#define EPHEMERA_COMMON_AUDIT_EXPORT_H_

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ephemera/v1/checkpoint.pb.h"

// The export of the audit log, JSON Lines. The controller writes it, the CLI
// checks it, and anybody can read it:
//
//   {"format":"ephemera-audit-1","public_key":"HEX"}          first line
//   {"index":"0","time":...}     an event; the line, without its newline, is
//                                the leaf of the Merkle tree
//   {"checkpoint":{"tree_size":"1","root_hash":"HEX","time":"...",
//     "signature":"HEX"},"consistency_proof":["HEX",...]}
//                                after each event: the log up to here, and the
//                                proof from the checkpoint before
//
// Every event has a checkpoint, so the first wrong entry can be named.
namespace ephemera {

std::string AuditExportHeader(absl::string_view public_key);
std::string AuditExportCheckpoint(const v1::Checkpoint& checkpoint,
                                  const std::vector<std::string>& proof);

// What a sound export holds.
struct AuditExportSummary {
  // As the file names it; trust it only where it was known before.
  std::string public_key;
  uint64_t events = 0;
  // The last one; tree_size is 0 where there is no event.
  v1::Checkpoint checkpoint;
};

// Reads an export and checks every event, checkpoint and proof. The signatures
// must be those of `public_key`; where that is absent, of the key in the file.
// Where `known` is given, an earlier checkpoint of the same log, the log must
// continue it, or with `may_be_older` end before it. Reads `in` once.
//
// DATA_LOSS naming the first wrong entry ("entry 12: was changed"...), also for
// what is missing at the end. INVALID_ARGUMENT where it is no export at all.
// Bytes from elsewhere: lines over 1 MiB are refused.
absl::StatusOr<AuditExportSummary> VerifyAuditExport(
    std::istream& in, const std::optional<std::string>& public_key,
    const std::optional<v1::Checkpoint>& known, bool may_be_older = false);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_AUDIT_EXPORT_H_
