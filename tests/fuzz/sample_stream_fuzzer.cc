// A message of an agent's sample stream, up to where the store takes it.
#include <optional>

#include "absl/time/time.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/ingest/sample_validator.h"
#include "controller/store/close_codec.h"
#include "controller/store/gauge_rates.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/fake_clock.h"

namespace ephemera::controller {
namespace {

constexpr char kAgent[] = "web1";

void CheckCloses(const v1::Snapshot& snapshot) {
  const CloseWindow window = NewCloses(snapshot, 0);
  fuzz::Require(window.seconds() >= 0,
                "a window of closes has no negative "
                "length");
  for (const v1::FlowGroup& group : snapshot.flow_groups()) {
    const StoredCloses stored = EncodeCloses(group.close_history(), window);
    uint64_t total = 0;
    for (const uint32_t closes : DecodeCloses(stored.varints)) total += closes;
    fuzz::Require(total == stored.total, "stored closes add up to their total");
  }
}

void TakeBatch(v1::SampleBatch& batch) {
  if (!ValidateBatch(absl::Hours(24) * 365, batch).ok()) return;
  v1::SampleBatch again = batch;
  fuzz::Require(ValidateBatch(absl::Hours(24) * 365, again).ok() &&
                    again.SerializeAsString() == batch.SerializeAsString(),
                "a valid batch stays as it is");
  FakeClock clock;
  FleetRegistry registry(clock);
  const auto id = registry.Connect({.agent = kAgent, .boot_id = "b"},
                                   absl::UnixEpoch(), [] {});
  registry.SetRecord(*id, AgentRecord{.name = kAgent});
  registry.Update(*id, batch);
  registry.Update(*id, batch);
  const auto view = registry.Find(kAgent);
  fuzz::Require(view.ok(), "a connected agent is found");
  if (view->gauge != nullptr && view->previous_gauge != nullptr) {
    RatesBetween(*view->previous_gauge, *view->gauge);
  }
  for (const v1::Snapshot& snapshot : batch.snapshots()) CheckCloses(snapshot);
}

}  // namespace
}  // namespace ephemera::controller

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ephemera::controller::DecodeCloses(ephemera::fuzz::Text(data, size));
  ephemera::v1::StreamSamplesRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  if (request.has_hello()) {
    ephemera::controller::ValidateHello(request.hello()).IgnoreError();
  }
  if (request.has_batch()) {
    ephemera::controller::TakeBatch(*request.mutable_batch());
  }
  return 0;
}
