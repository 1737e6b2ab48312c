#include "controller/ingest/sample_validator.h"

#include <cstddef>
#include <limits>
#include <string>
#include <tuple>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/ip_address.h"
#include "common/resource_name.h"
#include "common/tcp_state.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMaxBoottimeUs =
    int64_t{100} * 365 * 24 * 3600 * kMicrosPerSecond;
// The last second of the year 9999, where google.protobuf.Timestamp ends.
constexpr int64_t kMaxWallTimeUs = 253402300799 * kMicrosPerSecond;
constexpr int64_t kMaxCostNs = int64_t{3600} * 1'000'000'000;
constexpr uint64_t kMaxPort = 65535;
// SQLite integers are signed.
constexpr uint64_t kMaxCounter = std::numeric_limits<int64_t>::max();
constexpr uint32_t kMaxTimeWaitMs = 24 * 3600 * 1000;
// One dump is short, but the second that it began in need not be the one that
// it ended in.
constexpr int64_t kDumpSeconds = 5;

constexpr size_t kMaxIdLength = 64;
constexpr size_t kMaxHostnameBytes = 253;
constexpr size_t kMaxVersionBytes = 128;
constexpr size_t kMaxLabelKeyLength = 63;
constexpr size_t kMaxLabelValueBytes = 256;
constexpr size_t kMaxSysctlKeyLength = 128;
// What the agent reads at most (SysctlCollector::kBufferSize). The longest
// value that occurs, of ip_local_reserved_ports, has 254,735 bytes.
constexpr size_t kMaxSysctlValueBytes = size_t{256} * 1024;

// Evaluates to the enclosing function's result where `expression` is not OK.
#define RETURN_IF_ERROR(expression)                                      \
  do {                                                                   \
    if (absl::Status status = (expression); !status.ok()) return status; \
  } while (false)

absl::Status CheckBoottime(absl::string_view field, int64_t value,
                           int64_t newest) {
  RETURN_IF_ERROR(CheckBetween(field, value, 0, kMaxBoottimeUs));
  if (value <= newest) return absl::OkStatus();
  return FieldError(field, absl::StrCat(value, " is above ", newest,
                                        ", more than 5 minutes ahead of the "
                                        "boot clock in the hello"));
}

absl::Status CheckCost(const v1::ReadingCost& cost) {
  RETURN_IF_ERROR(CheckBetween("cpu_ns", cost.cpu_ns(), 0, kMaxCostNs));
  return CheckBetween("elapsed_ns", cost.elapsed_ns(), 0, kMaxCostNs);
}

absl::Status CheckGauge(const v1::GaugeSample& gauge, int64_t newest) {
  RETURN_IF_ERROR(CheckBoottime("boottime_us", gauge.boottime_us(), newest));
  RETURN_IF_ERROR(
      CheckBetween("wall_time_us", gauge.wall_time_us(), 0, kMaxWallTimeUs));
  RETURN_IF_ERROR(Under("cost", CheckCost(gauge.cost())));
  const google::protobuf::Descriptor& type = *gauge.GetDescriptor();
  const google::protobuf::Reflection& reflection = *gauge.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_UINT64) {
      continue;
    }
    RETURN_IF_ERROR(CheckAtMost(
        field.name(), reflection.GetUInt64(gauge, &field), kMaxCounter));
  }
  return absl::OkStatus();
}

absl::Status CanonicalAddress(absl::string_view field, std::string& address) {
  const absl::StatusOr<IpAddress> parsed = IpAddress::Parse(address);
  if (!parsed.ok()) {
    return FieldError(field,
                      absl::StrCat(Quoted(address), " is not an IP address"));
  }
  address = parsed->ToString();
  return absl::OkStatus();
}

absl::Status CheckKey(v1::FlowKey& key) {
  if (!v1::Direction_IsValid(key.direction())) {
    return FieldError("direction", absl::StrCat(int{key.direction()},
                                                " is not a known direction"));
  }
  RETURN_IF_ERROR(CheckAtMost("service_port", key.service_port(), kMaxPort));
  if (key.local_address().empty() && key.remote_address().empty()) {
    if (key.direction() == v1::DIRECTION_UNSPECIFIED &&
        key.service_port() != 0) {
      return FieldError("service_port",
                        absl::StrCat(key.service_port(),
                                     " needs a direction; only the remainder "
                                     "of everything else has none"));
    }
    return absl::OkStatus();
  }
  if (key.direction() == v1::DIRECTION_UNSPECIFIED) {
    return FieldError("direction",
                      "DIRECTION_UNSPECIFIED is for remainders, which have no "
                      "addresses");
  }
  RETURN_IF_ERROR(
      CanonicalAddress("local_address", *key.mutable_local_address()));
  return CanonicalAddress("remote_address", *key.mutable_remote_address());
}

absl::Status CheckCloses(const v1::CloseHistory& history, int64_t snapshot_us) {
  RETURN_IF_ERROR(CheckCount("closes", history.closes_size(), kMaxCloses));
  if (history.closes().empty()) return absl::OkStatus();
  const int64_t second = snapshot_us / kMicrosPerSecond;
  return CheckBetween("first_second", history.first_second(),
                      second - kMaxCloses - kDumpSeconds,
                      second + kDumpSeconds - history.closes_size());
}

absl::Status CheckGroup(v1::FlowGroup& group, int64_t snapshot_us) {
  RETURN_IF_ERROR(Under("key", CheckKey(*group.mutable_key())));
  const uint64_t sockets = TotalSockets(group.states());
  if (group.ephemeral_ports() > sockets) {
    return FieldError("ephemeral_ports",
                      absl::StrCat(group.ephemeral_ports(), " is above ",
                                   sockets, ", the sockets of the group"));
  }
  return Under("close_history",
               CheckCloses(group.close_history(), snapshot_us));
}

absl::Status CheckGroups(v1::Snapshot& snapshot) {
  RETURN_IF_ERROR(
      CheckCount("flow_groups", snapshot.flow_groups_size(), kMaxFlowGroups));
  using Key = std::tuple<int, absl::string_view, absl::string_view, uint32_t>;
  absl::flat_hash_set<Key> seen;
  seen.reserve(snapshot.flow_groups_size());
  for (int i = 0; i < snapshot.flow_groups_size(); ++i) {
    v1::FlowGroup& group = *snapshot.mutable_flow_groups(i);
    RETURN_IF_ERROR(
        Under("flow_groups", i, CheckGroup(group, snapshot.boottime_us())));
    const v1::FlowKey& key = group.key();
    if (!seen.emplace(key.direction(), key.local_address(),
                      key.remote_address(), key.service_port())
             .second) {
      return FieldError(
          absl::StrCat("flow_groups[", i, "].key"),
          absl::StrCat(v1::Direction_Name(key.direction()), " ",
                       Quoted(key.local_address()), " ",
                       Quoted(key.remote_address()), " ", key.service_port(),
                       " occurs twice in the snapshot"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckListener(v1::Listener& listener) {
  RETURN_IF_ERROR(CanonicalAddress("address", *listener.mutable_address()));
  return CheckAtMost("port", listener.port(), kMaxPort);
}

absl::Status CheckSnapshot(v1::Snapshot& snapshot, int64_t newest) {
  RETURN_IF_ERROR(CheckBoottime("boottime_us", snapshot.boottime_us(), newest));
  RETURN_IF_ERROR(
      CheckBetween("wall_time_us", snapshot.wall_time_us(), 0, kMaxWallTimeUs));
  if (!v1::SocketSource_IsValid(snapshot.source())) {
    return FieldError("source", absl::StrCat(int{snapshot.source()},
                                             " is not a known source"));
  }
  if (!v1::SnapshotTrigger_IsValid(snapshot.trigger())) {
    return FieldError("trigger", absl::StrCat(int{snapshot.trigger()},
                                              " is not a known trigger"));
  }
  RETURN_IF_ERROR(
      CheckAtMost("pool_capacity", snapshot.pool_capacity(), kMaxPort + 1));
  RETURN_IF_ERROR(CheckAtMost("time_wait_longest_ms",
                              snapshot.time_wait_longest_ms(), kMaxTimeWaitMs));
  RETURN_IF_ERROR(Under("cost", CheckCost(snapshot.cost())));
  RETURN_IF_ERROR(
      CheckCount("listeners", snapshot.listeners_size(), kMaxListeners));
  for (int i = 0; i < snapshot.listeners_size(); ++i) {
    RETURN_IF_ERROR(
        Under("listeners", i, CheckListener(*snapshot.mutable_listeners(i))));
  }
  return CheckGroups(snapshot);
}

absl::Status CheckSysctls(const v1::SysctlReading& reading, int64_t newest) {
  RETURN_IF_ERROR(CheckBoottime("boottime_us", reading.boottime_us(), newest));
  RETURN_IF_ERROR(Under("cost", CheckCost(reading.cost())));
  RETURN_IF_ERROR(CheckCount("values", reading.values_size(), kMaxSysctls));
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < reading.values_size(); ++i) {
    const v1::SysctlValue& value = reading.values(i);
    RETURN_IF_ERROR(
        Under("values", i,
              CheckToken("key", value.key(), kMaxSysctlKeyLength, "._/-")));
    RETURN_IF_ERROR(Under(
        "values", i, CheckText("value", value.value(), kMaxSysctlValueBytes)));
    if (!seen.insert(value.key()).second) {
      return FieldError(absl::StrCat("values[", i, "].key"),
                        absl::StrCat(Quoted(value.key()), " occurs twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDrop(const v1::DropReport& drop, uint64_t sequence,
                       int64_t newest) {
  if (!v1::DropReport::Reason_IsValid(drop.reason())) {
    return FieldError(
        "reason", absl::StrCat(int{drop.reason()}, " is not a known reason"));
  }
  if (drop.first_sequence() == 0) {
    return FieldError("first_sequence", "0 is below 1");
  }
  if (drop.last_sequence() >= sequence) {
    return FieldError("last_sequence",
                      absl::StrCat(drop.last_sequence(), " is not below ",
                                   sequence, ", the batch that reports it"));
  }
  if (drop.first_sequence() > drop.last_sequence()) {
    return FieldError("first_sequence",
                      absl::StrCat(drop.first_sequence(), " is above ",
                                   drop.last_sequence(), ", the last one"));
  }
  RETURN_IF_ERROR(
      CheckBoottime("first_boottime_us", drop.first_boottime_us(), newest));
  RETURN_IF_ERROR(
      CheckBoottime("last_boottime_us", drop.last_boottime_us(), newest));
  if (drop.first_boottime_us() > drop.last_boottime_us()) {
    return FieldError("first_boottime_us",
                      absl::StrCat(drop.first_boottime_us(), " is above ",
                                   drop.last_boottime_us(), ", the last one"));
  }
  return absl::OkStatus();
}

absl::Status CheckBatch(v1::SampleBatch& batch, int64_t newest) {
  if (batch.sequence() == 0) return FieldError("sequence", "0 is below 1");
  RETURN_IF_ERROR(CheckAtMost("sequence", batch.sequence(), kMaxCounter));
  RETURN_IF_ERROR(CheckCount("gauges", batch.gauges_size(), kMaxGauges));
  RETURN_IF_ERROR(
      CheckCount("snapshots", batch.snapshots_size(), kMaxSnapshots));
  RETURN_IF_ERROR(CheckCount("drops", batch.drops_size(), kMaxDropReports));
  for (int i = 0; i < batch.gauges_size(); ++i) {
    RETURN_IF_ERROR(Under("gauges", i, CheckGauge(batch.gauges(i), newest)));
  }
  for (int i = 0; i < batch.snapshots_size(); ++i) {
    RETURN_IF_ERROR(Under("snapshots", i,
                          CheckSnapshot(*batch.mutable_snapshots(i), newest)));
  }
  if (batch.has_sysctls()) {
    RETURN_IF_ERROR(Under("sysctls", CheckSysctls(batch.sysctls(), newest)));
  }
  for (int i = 0; i < batch.drops_size(); ++i) {
    RETURN_IF_ERROR(
        Under("drops", i, CheckDrop(batch.drops(i), batch.sequence(), newest)));
  }
  return absl::OkStatus();
}

absl::Status CheckHello(const v1::AgentHello& hello) {
  if (const auto name = ParseAgentResourceName(hello.agent()); !name.ok()) {
    return FieldError("agent", name.status().message());
  }
  RETURN_IF_ERROR(CheckToken("boot_id", hello.boot_id(), kMaxIdLength, "-"));
  RETURN_IF_ERROR(
      CheckToken("host_boot_id", hello.host_boot_id(), kMaxIdLength, "-"));
  RETURN_IF_ERROR(CheckText("hostname", hello.hostname(), kMaxHostnameBytes));
  RETURN_IF_ERROR(
      CheckText("kernel_release", hello.kernel_release(), kMaxVersionBytes));
  RETURN_IF_ERROR(
      CheckText("agent_version", hello.agent_version(), kMaxVersionBytes));
  RETURN_IF_ERROR(
      CheckCount("labels", static_cast<int>(hello.labels_size()), kMaxLabels));
  for (const auto& [key, value] : hello.labels()) {
    RETURN_IF_ERROR(CheckToken("labels", key, kMaxLabelKeyLength, "._/-"));
    RETURN_IF_ERROR(CheckText(absl::StrCat("labels[", key, "]"), value,
                              kMaxLabelValueBytes));
  }
  RETURN_IF_ERROR(
      CheckBetween("boottime_us", hello.boottime_us(), 0, kMaxBoottimeUs));
  return CheckBetween("wall_time_us", hello.wall_time_us(), 0, kMaxWallTimeUs);
}

#undef RETURN_IF_ERROR

}  // namespace

absl::Status ValidateHello(const v1::AgentHello& hello) {
  return Under("hello", CheckHello(hello));
}

absl::Status ValidateBatch(absl::Duration newest_boottime,
                           v1::SampleBatch& batch) {
  return Under("batch",
               CheckBatch(batch, absl::ToInt64Microseconds(newest_boottime)));
}

absl::Duration NewestPlausibleBoottime(absl::Duration hello_boottime,
                                       absl::Duration elapsed) {
  return hello_boottime + elapsed + absl::Minutes(5);
}

}  // namespace ephemera::controller
