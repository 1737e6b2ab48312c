#ifndef EPHEMERA_TESTS_CONTROLLER_STORE_STORE_FIXTURE_H_
#define EPHEMERA_TESTS_CONTROLLER_STORE_STORE_FIXTURE_H_

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/private_key.h"
#include "controller/store/agent_writer.h"
#include "controller/store/migrations.h"
#include "controller/store/rollup.h"
#include "controller/store/schema.h"
#include "controller/store/sqlite_statement.h"
#include "controller/store/sqlite_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {

// 2027-01-15 08:00:00 UTC, the start of an hour: fleet time of the tests' host
// boots.
inline const absl::Time kEpoch = absl::FromUnixSeconds(1'800'000'000);
inline constexpr int64_t kSecond = 1'000'000;

// Makes the tables of an empty database, and an agent that was booted at
// kEpoch.
inline AgentId MakeTablesAndAgent(SqliteDatabase& database) {
  EXPECT_TRUE(Migrate(database, SchemaMigrations()).ok());
  AgentWriter agents(database);
  AgentRecord agent;
  agent.name = "a";
  agent.epoch = kEpoch;
  return agents.Register(agent, "boot-1", kEpoch)->id;
}

inline v1::GaugeSample MakeGauge(int64_t boottime_us, uint64_t tcp_tw = 0,
                                 uint64_t active_opens = 0) {
  v1::GaugeSample gauge;
  gauge.set_boottime_us(boottime_us);
  gauge.set_wall_time_us(boottime_us + 17);
  gauge.mutable_cost()->set_cpu_ns(50'000);
  gauge.mutable_cost()->set_elapsed_ns(60'000);
  gauge.set_tcp_tw(tcp_tw);
  gauge.set_active_opens(active_opens);
  return gauge;
}

// A group with `time_wait` sockets and the given history.
inline v1::FlowGroup MakeGroup(uint32_t port, const std::string& remote,
                               uint32_t time_wait, int64_t first_second = 0,
                               const std::vector<uint32_t>& closes = {}) {
  v1::FlowGroup group;
  group.mutable_key()->set_direction(v1::DIRECTION_OUTBOUND);
  if (!remote.empty()) {
    group.mutable_key()->set_local_address("10.0.0.1");
    group.mutable_key()->set_remote_address(remote);
  }
  group.mutable_key()->set_service_port(port);
  group.mutable_states()->set_time_wait(time_wait);
  group.set_ephemeral_ports(time_wait);
  if (!closes.empty()) {
    group.mutable_close_history()->set_first_second(first_second);
    group.mutable_close_history()->mutable_closes()->Add(closes.begin(),
                                                         closes.end());
  }
  return group;
}

inline v1::Snapshot MakeSnapshot(int64_t boottime_us,
                                 const std::vector<v1::FlowGroup>& groups) {
  v1::Snapshot snapshot;
  snapshot.set_boottime_us(boottime_us);
  snapshot.set_pool_capacity(28'232);
  for (const v1::FlowGroup& group : groups) {
    *snapshot.add_flow_groups() = group;
    snapshot.mutable_totals()->set_time_wait(snapshot.totals().time_wait() +
                                             group.states().time_wait());
  }
  return snapshot;
}

inline void AddListener(uint32_t port, v1::Snapshot& snapshot) {
  v1::Listener& listener = *snapshot.add_listeners();
  listener.set_address("0.0.0.0");
  listener.set_port(port);
}

// The history that a host shows whose true closes per boot-clock second are
// `truth`, in a dump at `second`.
inline std::vector<uint32_t> VisibleCloses(const std::vector<uint32_t>& truth,
                                           int64_t second) {
  const int64_t first = second > 60 ? second - 60 : 0;
  return {truth.begin() + first, truth.begin() + second};
}

// A store in a directory of its own, with calls that wait for the commit.
class TestStore {
 public:
  explicit TestStore(SqliteStore::Options options = {})
      : options_(std::move(options)) {
    if (options_.data_dir.empty()) {
      options_.data_dir = dir_.emplace().path() + "/data";
    }
    options_.queue.commit_interval = absl::ZeroDuration();
    options_.queue.retry_interval = absl::Milliseconds(5);
    Open();
  }

  void Open() {
    auto store = SqliteStore::Open(options_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    const absl::Status started =
        store_->Start([this] { return clock_.Now() + fleet_ahead_; }, clock_,
                      *PrivateKey::FromPem(audit_key_));
    ASSERT_TRUE(started.ok()) << started;
  }
  void Reopen() {
    store_.reset();
    Open();
  }

  // The answer to a hello `uptime` after the host's boot, now.
  absl::StatusOr<RegisteredAgent> Register(const std::string& name,
                                           const std::string& host_boot,
                                           absl::Duration uptime,
                                           const std::string& boot = "boot-1") {
    AgentRecord agent;
    agent.name = name;
    agent.hostname = name + ".example";
    agent.kernel_release = "6.1.0";
    agent.agent_version = "0.1.0";
    agent.labels = {{"rack", "r1"}};
    agent.host_boot_id = host_boot;
    agent.epoch = clock_.Now() - uptime;
    agent.last_seen = clock_.Now();
    agent.clock_skew = absl::Milliseconds(5);
    return RegisterRecord(agent, boot);
  }
  absl::StatusOr<RegisteredAgent> RegisterRecord(const AgentRecord& agent,
                                                 const std::string& boot) {
    std::promise<absl::StatusOr<RegisteredAgent>> answer;
    absl::Status status =
        store_->Register(agent, boot, [&answer](auto registered) {
          answer.set_value(std::move(registered));
        });
    if (!status.ok()) return status;
    return answer.get_future().get();
  }
  // An agent whose host booted at kEpoch.
  AgentId AddAgent(const std::string& name = "a") {
    clock_.SetNow(kEpoch);
    return Register(name, "host-boot-1", absl::ZeroDuration())->id;
  }

  absl::Status Append(AgentId agent_id, v1::SampleBatch batch,
                      absl::Time epoch = kEpoch,
                      const std::string& boot = "boot-1") {
    PendingBatch pending;
    pending.agent_id = agent_id;
    pending.boot_id = boot;
    pending.epoch = epoch;
    pending.batch = std::move(batch);
    if (pending.batch.sequence() == 0) {
      pending.batch.set_sequence(++sequence_);
    }
    std::promise<absl::Status> answer;
    absl::Status status = store_->Append(
        std::move(pending),
        [&answer](const absl::Status& done) { answer.set_value(done); });
    if (!status.ok()) return status;
    return answer.get_future().get();
  }
  absl::Status AppendGauges(AgentId agent_id,
                            const std::vector<v1::GaugeSample>& gauges,
                            absl::Time epoch = kEpoch) {
    v1::SampleBatch batch;
    batch.mutable_gauges()->Add(gauges.begin(), gauges.end());
    return Append(agent_id, std::move(batch), epoch);
  }
  absl::Status AppendSnapshot(AgentId agent_id, const v1::Snapshot& snapshot,
                              absl::Time epoch = kEpoch) {
    v1::SampleBatch batch;
    *batch.add_snapshots() = snapshot;
    return Append(agent_id, std::move(batch), epoch);
  }

  // The first column of the first row, read behind the store's back.
  int64_t ReadInteger(const std::string& sql) const {
    auto database = SqliteDatabase::Open(store_->database_path(),
                                         SqliteDatabase::Access::kReadOnly);
    EXPECT_TRUE(database.ok()) << database.status();
    const absl::StatusOr<int64_t> value = (*database)->ReadInteger(sql);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.value_or(-1);
  }

  SqliteStore& operator*() { return *store_; }
  SqliteStore* operator->() { return store_.get(); }
  FakeClock& clock() { return clock_; }
  // By how much fleet time is ahead of the wall clock, from the next opening.
  void SetFleetAhead(absl::Duration ahead) { fleet_ahead_ = ahead; }
  const SqliteStore::Options& options() const { return options_; }
  void Destroy() { store_.reset(); }

 private:
  // None where the data directory is the caller's.
  std::optional<TempDir> dir_;
  SqliteStore::Options options_;
  FakeClock clock_;
  absl::Duration fleet_ahead_;
  uint64_t sequence_ = 0;
  const std::string audit_key_ = PrivateKey::GenerateEd25519()->ToPem();
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_STORE_STORE_FIXTURE_H_
