#ifndef EPHEMERA_TESTS_CONTROLLER_QUERY_FLEET_FIXTURE_H_
#define EPHEMERA_TESTS_CONTROLLER_QUERY_FLEET_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/controller/query_server.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_sample_store.h"

namespace ephemera::controller {

// Some agents in a registry, with readings as a test needs them.
class FleetTest : public testing::Test {
 protected:
  // Adds or updates an agent whose host booted 1000 s ago.
  void AddAgent(const std::string& name, AgentId id,
                const v1::Snapshot* snapshot = nullptr) {
    AgentRecord record;
    record.id = id;
    record.name = name;
    record.hostname = absl::StrCat(name, ".example.org");
    record.epoch = clock_.Now() - absl::Seconds(1000);
    record.first_seen = clock_.Now() - absl::Seconds(500);
    record.last_seen = clock_.Now();
    NewestReadings newest;
    if (snapshot != nullptr) {
      newest.snapshot = *snapshot;
      newest.snapshot->set_boottime_us(999'000'000);
    }
    registry_.Load({{std::move(record), std::move(newest)}});
  }

  static v1::FlowGroup* AddGroup(v1::Snapshot& snapshot,
                                 v1::Direction direction,
                                 const std::string& remote, uint32_t port,
                                 uint32_t time_wait, uint32_t ports) {
    v1::FlowGroup* const group = snapshot.add_flow_groups();
    group->mutable_key()->set_direction(direction);
    if (!remote.empty()) {
      group->mutable_key()->set_local_address("10.0.0.1");
      group->mutable_key()->set_remote_address(remote);
    }
    group->mutable_key()->set_service_port(port);
    group->mutable_states()->set_time_wait(time_wait);
    group->set_ephemeral_ports(ports);
    return group;
  }

  FakeClock clock_;
  FleetClock fleet_clock_{clock_, absl::InfinitePast()};
  FleetRegistry registry_{clock_};
  FakeSampleStore samples_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_QUERY_FLEET_FIXTURE_H_
