#include "controller/ingest/sample_validator.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kNewest = absl::Hours(30);

v1::AgentHello GoodHello() {
  v1::AgentHello hello;
  hello.set_agent("agents/web1");
  hello.set_boot_id("6f1c-2");
  hello.set_host_boot_id("0b8e0b5e-8b0f-4d0e-9a0e-000000000001");
  hello.set_hostname("web1.example.org");
  hello.set_kernel_release("6.1.0-28-amd64");
  hello.set_agent_version("0.1.0");
  (*hello.mutable_labels())["role/tier"] = "front end";
  hello.set_boottime_us(3'600'000'000);
  hello.set_wall_time_us(1'700'000'000'000'000);
  return hello;
}

v1::FlowGroup* AddGroup(v1::Snapshot& snapshot) {
  v1::FlowGroup* const group = snapshot.add_flow_groups();
  group->mutable_key()->set_direction(v1::DIRECTION_OUTBOUND);
  group->mutable_key()->set_local_address("10.0.0.1");
  group->mutable_key()->set_remote_address(
      absl::StrCat("10.0.1.", snapshot.flow_groups_size()));
  group->mutable_key()->set_service_port(5774);
  group->mutable_states()->set_time_wait(20);
  group->set_ephemeral_ports(20);
  group->mutable_close_history()->set_first_second(3540);
  for (int i = 0; i < 60; ++i) group->mutable_close_history()->add_closes(1);
  return group;
}

v1::SampleBatch GoodBatch() {
  v1::SampleBatch batch;
  batch.set_sequence(9);
  batch.add_gauges()->set_boottime_us(3'600'000'000);
  batch.mutable_gauges(0)->set_tw(17);
  v1::Snapshot& snapshot = *batch.add_snapshots();
  snapshot.set_boottime_us(3'600'100'000);
  snapshot.set_source(v1::SOCKET_SOURCE_INET_DIAG);
  snapshot.set_trigger(v1::SNAPSHOT_TRIGGER_INTERVAL);
  snapshot.set_pool_capacity(28232);
  AddGroup(snapshot);
  AddGroup(snapshot);
  v1::FlowGroup& remainder = *snapshot.add_flow_groups();
  remainder.mutable_key()->set_direction(v1::DIRECTION_INBOUND);
  remainder.mutable_key()->set_service_port(443);
  snapshot.add_flow_groups()->mutable_states()->set_established(3);
  v1::Listener& listener = *snapshot.add_listeners();
  listener.set_address("::");
  listener.set_port(443);
  v1::SysctlReading& sysctls = *batch.mutable_sysctls();
  v1::SysctlValue& value = *sysctls.add_values();
  value.set_key("net.ipv4.ip_local_port_range");
  value.set_value("32768 60999");
  v1::DropReport& drop = *batch.add_drops();
  drop.set_reason(v1::DropReport::REASON_BUFFER_FULL);
  drop.set_first_sequence(3);
  drop.set_last_sequence(8);
  drop.set_last_boottime_us(5);
  return batch;
}

TEST(ValidateHello, AcceptsWhatAnAgentSends) {
  EXPECT_EQ(ValidateHello(GoodHello()), absl::OkStatus());
}

struct HelloCase {
  std::string name;
  std::function<void(v1::AgentHello&)> spoil;
  std::string message;
};

class HostileHello : public testing::TestWithParam<HelloCase> {};

TEST_P(HostileHello, IsRefusedByField) {
  v1::AgentHello hello = GoodHello();
  GetParam().spoil(hello);
  const absl::Status status = ValidateHello(hello);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    ValidateHello, HostileHello,
    testing::ValuesIn(std::vector<HelloCase>{
        {"NoResourceName", [](auto& h) { h.set_agent("web1"); },
         "hello.agent: 'web1' is not a resource name like agents/web1"},
        {"UpperCaseName", [](auto& h) { h.set_agent("agents/Web1"); },
         "hello.agent: 'Web1' is not an agent name"},
        {"EmptyBootId", [](auto& h) { h.clear_boot_id(); },
         "hello.boot_id: '' is not 1 to 64 of A-Z a-z 0-9 -"},
        {"LongBootId", [](auto& h) { h.set_boot_id(std::string(65, 'x')); },
         "hello.boot_id: 'xxx"},
        {"HostBootIdWithBlank", [](auto& h) { h.set_host_boot_id("a b"); },
         "hello.host_boot_id: 'a b' is not 1 to 64"},
        {"LongHostname", [](auto& h) { h.set_hostname(std::string(254, 'h')); },
         "has 254 bytes, more than 253"},
        {"TerminalEscape", [](auto& h) { h.set_kernel_release("\x1b[2J"); },
         "hello.kernel_release: '\\033[2J' holds control characters"},
        {"TooManyLabels",
         [](auto& h) {
           for (int i = 0; i < 33; ++i) {
             (*h.mutable_labels())[absl::StrCat("k", i)] = "v";
           }
         },
         "hello.labels: 34 elements are more than 32"},
        {"LabelKey", [](auto& h) { (*h.mutable_labels())["a=b"] = ""; },
         "hello.labels: 'a=b' is not 1 to 63 of A-Z a-z 0-9 ._/-"},
        {"LongLabelValue",
         [](auto& h) { (*h.mutable_labels())["k"] = std::string(257, 'v'); },
         "has 257 bytes, more than 256"},
        {"NegativeBoottime", [](auto& h) { h.set_boottime_us(-1); },
         "hello.boottime_us: -1 is below 0"},
        {"BoottimeOfAnAge", [](auto& h) { h.set_boottime_us(INT64_MAX); },
         "hello.boottime_us: 9223372036854775807 is above 3153600000000000"},
        {"WallTime", [](auto& h) { h.set_wall_time_us(INT64_MAX); },
         "hello.wall_time_us: 9223372036854775807 is above"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(ValidateBatch, AcceptsWhatAnAgentSends) {
  v1::SampleBatch batch = GoodBatch();
  EXPECT_EQ(ValidateBatch(kNewest, batch), absl::OkStatus());
}

TEST(ValidateBatch, AcceptsAHostThatBootedJustNow) {
  v1::SampleBatch batch = GoodBatch();
  v1::Snapshot& snapshot = *batch.mutable_snapshots(0);
  snapshot.set_boottime_us(20'500'000);
  for (v1::FlowGroup& group : *snapshot.mutable_flow_groups()) {
    group.mutable_close_history()->set_first_second(-40);
  }
  EXPECT_EQ(ValidateBatch(kNewest, batch), absl::OkStatus());
}

// Every two ports of three reserved.
TEST(ValidateBatch, AcceptsTheLongestSysctlThatAnAgentSends) {
  std::string ports = "1-2";
  for (int port = 4; port < 65535; port += 3) {
    absl::StrAppend(&ports, ",", port, "-", port + 1);
  }
  ASSERT_EQ(ports.size(), 254'735);
  v1::SampleBatch batch = GoodBatch();
  v1::SysctlValue& value = *batch.mutable_sysctls()->mutable_values(0);
  value.set_key("net.ipv4.ip_local_reserved_ports");
  value.set_value(ports);
  EXPECT_EQ(ValidateBatch(kNewest, batch), absl::OkStatus());
}

TEST(ValidateBatch, WritesAddressesInCanonicalForm) {
  v1::SampleBatch batch = GoodBatch();
  v1::Snapshot& snapshot = *batch.mutable_snapshots(0);
  snapshot.mutable_flow_groups(0)->mutable_key()->set_local_address(
      "2001:0DB8:0:0:0:0:0:1");
  snapshot.mutable_flow_groups(0)->mutable_key()->set_remote_address(
      "::ffff:10.9.9.9");
  snapshot.mutable_listeners(0)->set_address("0:0:0:0:0:0:0:0");
  ASSERT_EQ(ValidateBatch(kNewest, batch), absl::OkStatus());
  EXPECT_EQ(snapshot.flow_groups(0).key().local_address(), "2001:db8::1");
  EXPECT_EQ(snapshot.flow_groups(0).key().remote_address(), "10.9.9.9");
  EXPECT_EQ(snapshot.listeners(0).address(), "::");
}

TEST(ValidateBatch, AcceptsFiveMinutesOfSlackButNoMore) {
  const absl::Duration newest =
      NewestPlausibleBoottime(absl::Hours(1), absl::Minutes(10));
  v1::SampleBatch batch;
  batch.set_sequence(1);
  batch.add_gauges()->set_boottime_us(
      absl::ToInt64Microseconds(absl::Minutes(75)));
  EXPECT_EQ(ValidateBatch(newest, batch), absl::OkStatus());
  batch.mutable_gauges(0)->set_boottime_us(batch.gauges(0).boottime_us() + 1);
  EXPECT_THAT(std::string(ValidateBatch(newest, batch).message()),
              HasSubstr("batch.gauges[0].boottime_us: 4500000001 is above "
                        "4500000000, more than 5 minutes ahead"));
}

struct BatchCase {
  std::string name;
  std::function<void(v1::SampleBatch&)> spoil;
  std::string message;
};

v1::Snapshot& Snap(v1::SampleBatch& batch) {
  return *batch.mutable_snapshots(0);
}
v1::FlowKey& Key(v1::SampleBatch& batch, int group) {
  return *Snap(batch).mutable_flow_groups(group)->mutable_key();
}

class HostileBatch : public testing::TestWithParam<BatchCase> {};

TEST_P(HostileBatch, IsRefusedByField) {
  v1::SampleBatch batch = GoodBatch();
  GetParam().spoil(batch);
  const absl::Status status = ValidateBatch(kNewest, batch);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    ValidateBatch, HostileBatch,
    testing::ValuesIn(std::vector<BatchCase>{
        {"SequenceZero", [](auto& b) { b.set_sequence(0); },
         "batch.sequence: 0 is below 1"},
        {"SequenceBeyondSqlite", [](auto& b) { b.set_sequence(UINT64_MAX); },
         "batch.sequence: 18446744073709551615 is above 9223372036854775807"},
        {"TooManyGauges",
         [](auto& b) {
           for (int i = 0; i < 3600; ++i) b.add_gauges();
         },
         "batch.gauges: 3601 elements are more than 3600"},
        {"TooManySnapshots",
         [](auto& b) {
           for (int i = 0; i < 60; ++i) b.add_snapshots();
         },
         "batch.snapshots: 61 elements are more than 60"},
        {"CounterBeyondSqlite",
         [](auto& b) { b.mutable_gauges(0)->set_tw(uint64_t{1} << 63); },
         "batch.gauges[0].tw: 9223372036854775808 is above "
         "9223372036854775807"},
        {"GaugeBoottime",
         [](auto& b) { b.mutable_gauges(0)->set_boottime_us(-5); },
         "batch.gauges[0].boottime_us: -5 is below 0"},
        {"NegativeCost",
         [](auto& b) { b.mutable_gauges(0)->mutable_cost()->set_cpu_ns(-1); },
         "batch.gauges[0].cost.cpu_ns: -1 is below 0"},
        {"UnknownSource",
         [](auto& b) { Snap(b).set_source(static_cast<v1::SocketSource>(9)); },
         "batch.snapshots[0].source: 9 is not a known source"},
        {"UnknownTrigger",
         [](auto& b) {
           Snap(b).set_trigger(static_cast<v1::SnapshotTrigger>(-1));
         },
         "batch.snapshots[0].trigger: -1 is not a known trigger"},
        {"PoolCapacity", [](auto& b) { Snap(b).set_pool_capacity(65537); },
         "batch.snapshots[0].pool_capacity: 65537 is above 65536"},
        {"TooManyGroups",
         [](auto& b) {
           for (int i = 0; i < 4096; ++i) Snap(b).add_flow_groups();
         },
         "batch.snapshots[0].flow_groups: 4100 elements are more than 4096"},
        {"TooManyListeners",
         [](auto& b) {
           for (int i = 0; i < 1024; ++i) Snap(b).add_listeners();
         },
         "batch.snapshots[0].listeners: 1025 elements are more than 1024"},
        {"ServicePort", [](auto& b) { Key(b, 1).set_service_port(70000); },
         "batch.snapshots[0].flow_groups[1].key.service_port: 70000 is above "
         "65535"},
        {"NoAddress", [](auto& b) { Key(b, 0).set_local_address("web1"); },
         "batch.snapshots[0].flow_groups[0].key.local_address: 'web1' is not "
         "an IP address"},
        {"OneAddressMissing", [](auto& b) { Key(b, 0).clear_remote_address(); },
         "batch.snapshots[0].flow_groups[0].key.remote_address: '' is not an "
         "IP address"},
        {"UnknownDirection",
         [](auto& b) {
           Key(b, 0).set_direction(static_cast<v1::Direction>(4));
         },
         "batch.snapshots[0].flow_groups[0].key.direction: 4 is not a known "
         "direction"},
        {"NoDirectionWithAddress", [](auto& b) { Key(b, 0).clear_direction(); },
         "key.direction: DIRECTION_UNSPECIFIED is for remainders"},
        {"NoDirectionWithPort", [](auto& b) { Key(b, 3).set_service_port(80); },
         "batch.snapshots[0].flow_groups[3].key.service_port: 80 needs a "
         "direction"},
        {"DuplicateKeyInAnotherSpelling",
         [](auto& b) { Key(b, 0).set_remote_address("::ffff:10.0.1.2"); },
         "batch.snapshots[0].flow_groups[1].key: DIRECTION_OUTBOUND '10.0.0.1' "
         "'10.0.1.2' 5774 occurs twice in the snapshot"},
        {"MorePortsThanSockets",
         [](auto& b) {
           Snap(b).mutable_flow_groups(0)->set_ephemeral_ports(21);
         },
         "batch.snapshots[0].flow_groups[0].ephemeral_ports: 21 is above 20"},
        {"TooManyCloses",
         [](auto& b) {
           Snap(b).mutable_flow_groups(0)->mutable_close_history()->add_closes(
               1);
         },
         "batch.snapshots[0].flow_groups[0].close_history.closes: 61 elements "
         "are more than 60"},
        {"ClosesInTheFuture",
         [](auto& b) {
           Snap(b)
               .mutable_flow_groups(0)
               ->mutable_close_history()
               ->set_first_second(3600);
         },
         "batch.snapshots[0].flow_groups[0].close_history.first_second: 3600 "
         "is above 3545"},
        {"ClosesOfLongAgo",
         [](auto& b) {
           Snap(b)
               .mutable_flow_groups(0)
               ->mutable_close_history()
               ->set_first_second(INT64_MIN);
         },
         "first_second: -9223372036854775808 is below 3535"},
        {"ListenerAddress",
         [](auto& b) { Snap(b).mutable_listeners(0)->set_address("*"); },
         "batch.snapshots[0].listeners[0].address: '*' is not an IP address"},
        {"ListenerPort",
         [](auto& b) { Snap(b).mutable_listeners(0)->set_port(65536); },
         "batch.snapshots[0].listeners[0].port: 65536 is above 65535"},
        {"SysctlKey",
         [](auto& b) {
           b.mutable_sysctls()->mutable_values(0)->set_key("net;rm");
         },
         "batch.sysctls.values[0].key: 'net;rm' is not 1 to 128 of A-Z a-z 0-9 "
         "._/-"},
        {"SysctlValueTooLong",
         [](auto& b) {
           b.mutable_sysctls()->mutable_values(0)->set_value(
               std::string(262'145, '1'));
         },
         "has 262145 bytes, more than 262144"},
        {"NegativeSysctlCost",
         [](auto& b) {
           b.mutable_sysctls()->mutable_cost()->set_elapsed_ns(-1);
         },
         "batch.sysctls.cost.elapsed_ns: -1 is below 0"},
        {"SysctlTwice",
         [](auto& b) {
           *b.mutable_sysctls()->add_values() = b.sysctls().values(0);
         },
         "batch.sysctls.values[1].key: 'net.ipv4.ip_local_port_range' occurs "
         "twice"},
        {"DropReason",
         [](auto& b) {
           b.mutable_drops(0)->set_reason(
               static_cast<v1::DropReport::Reason>(7));
         },
         "batch.drops[0].reason: 7 is not a known reason"},
        {"DropOfItself",
         [](auto& b) { b.mutable_drops(0)->set_last_sequence(9); },
         "batch.drops[0].last_sequence: 9 is not below 9, the batch that "
         "reports it"},
        {"DropBackwards",
         [](auto& b) { b.mutable_drops(0)->set_last_sequence(2); },
         "batch.drops[0].first_sequence: 3 is above 2, the last one"},
        {"DropTimesBackwards",
         [](auto& b) { b.mutable_drops(0)->set_first_boottime_us(6); },
         "batch.drops[0].first_boottime_us: 6 is above 5, the last one"},
    }),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace ephemera::controller
