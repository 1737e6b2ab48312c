#ifndef EPHEMERA_CONTROLLER_INGEST_SAMPLE_VALIDATOR_H_
#define EPHEMERA_CONTROLLER_INGEST_SAMPLE_VALIDATOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ephemera/v1/ingest_service.pb.h"

// What an agent may send. An agent is not trusted: whatever passes here can be
// stored, counted and shown without a further look. Pure functions.
namespace ephemera::controller {

// Bounds of one batch and of one snapshot in it.
inline constexpr int kMaxGauges = 3600;
inline constexpr int kMaxSnapshots = 60;
inline constexpr int kMaxFlowGroups = 4096;
inline constexpr int kMaxListeners = 1024;
inline constexpr int kMaxCloses = 60;
inline constexpr int kMaxSysctls = 256;
inline constexpr int kMaxDropReports = 1024;
inline constexpr int kMaxLabels = 32;

// OK or INVALID_ARGUMENT "hello.FIELD: VALUE is ...".
absl::Status ValidateHello(const v1::AgentHello& hello);

// OK or INVALID_ARGUMENT with the path of the field, its value and the bound:
// "batch.snapshots[0].flow_groups[3].key.service_port: 70000 is above 65535".
// `newest_boottime` is the latest boot time that a reading may claim. Writes
// addresses in their canonical form; a refused batch may be half rewritten.
absl::Status ValidateBatch(absl::Duration newest_boottime,
                           v1::SampleBatch& batch);

// The latest boot time that is believed of an agent whose hello said
// `hello_boottime`, `elapsed` after it: 5 minutes of slack for two clocks that
// do not run alike.
absl::Duration NewestPlausibleBoottime(absl::Duration hello_boottime,
                                       absl::Duration elapsed);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_SAMPLE_VALIDATOR_H_
