#include "controller/store/rollup.h"

#include <limits>
#include <map>
#include <optional>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/tcp_state.h"
#include "controller/store/close_codec.h"
#include "controller/store/field_columns.h"
#include "controller/store/gauge_fields.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

TEST(FloorTo, RoundsDownOnBothSidesOfZero) {
  EXPECT_EQ(FloorTo(119, 60), 60);
  EXPECT_EQ(FloorTo(120, 60), 120);
  EXPECT_EQ(FloorTo(-1, 60), -60);
  EXPECT_EQ(FloorTo(-60, 60), -60);
}

TEST(FleetMicros, CutsOffWhatWouldOverflow) {
  const int64_t far = FleetMicros(kEpoch, std::numeric_limits<int64_t>::max());
  EXPECT_GT(FloorTo(far, kRollups[1].width_us), 0);
  const int64_t past = FleetMicros(kEpoch, std::numeric_limits<int64_t>::min());
  EXPECT_LT(FloorTo(past, kRollups[1].width_us), 0);
}

// The roll-ups are kept by upserts per batch. Whatever the order and the cut of
// the batches, they must equal what the raw rows give.
class RollupPropertyTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteDatabase> Read() {
    return *SqliteDatabase::Open(store_->database_path(),
                                 SqliteDatabase::Access::kReadOnly);
  }

  // From 0 to below `bound`.
  int64_t Random(int64_t bound) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
  }

  TestStore store_;
  const AgentId agent_ = store_.AddAgent();
  std::mt19937 random_{42};
};

using Row = std::vector<std::optional<int64_t>>;
using Rows = std::map<std::pair<int64_t, int64_t>, Row>;

// Rows by their first two columns.
Rows ReadRows(SqliteDatabase& database, const std::string& sql, int columns) {
  Rows rows;
  SqliteStatement statement(database, sql);
  SqliteRun run(statement);
  for (;;) {
    const absl::StatusOr<bool> more = run.Step();
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return rows;
    Row row;
    for (int i = 2; i < columns; ++i) {
      row.push_back(run.IsNull(i) ? std::nullopt : std::optional(run.Int64(i)));
    }
    rows[{run.Int64(0), run.Int64(1)}] = row;
  }
}

TEST_F(RollupPropertyTest, GaugesEqualARecomputationFromRawRows) {
  int64_t time = 3'500 * kSecond;
  for (int i = 0; i < 300; ++i) {
    std::vector<v1::GaugeSample> gauges;
    for (uint32_t n = random_() % 20; n > 0; --n) {
      time += static_cast<int64_t>(random_() % (5 * kSecond));
      v1::GaugeSample gauge = MakeGauge(time, random_() % 1000, random_());
      if (random_() % 3 == 0) gauge.clear_tcp_tw();
      if (random_() % 3 == 0) gauge.clear_active_opens();
      if (random_() % 4 == 0) gauge.set_curr_estab(random_() % 100);
      gauges.push_back(gauge);
    }
    ASSERT_TRUE(store_.AppendGauges(agent_, gauges).ok());
  }
  const auto database = Read();
  for (const Rollup& rollup : kRollups) {
    const Rows raw =
        ReadRows(*database,
                 absl::StrCat("SELECT time_us, 0, ", GaugeColumns(),
                              " FROM gauges ORDER BY time_us"),
                 2 + static_cast<int>(kGaugeFields.size()));
    Rows expected;
    for (const auto& [key, values] : raw) {
      Row& row = expected[{FloorTo(key.first, rollup.width_us), 0}];
      row.resize(2 + values.size());
      row[0] = row[0].value_or(0) + 1;
      row[1] = key.first;
      for (size_t i = 0; i < values.size(); ++i) {
        if (!values[i].has_value()) continue;
        std::optional<int64_t>& held = row[2 + i];
        if (!held.has_value() ||
            kGaugeFields[i].merge == GaugeField::Merge::kLast ||
            *values[i] > *held) {
          held = values[i];
        }
      }
    }
    EXPECT_GT(expected.size(), 1U);
    EXPECT_EQ(
        ReadRows(*database,
                 absl::StrCat("SELECT time_us, 0, readings, "
                              "last_time_us, ",
                              GaugeColumns(), " FROM ", rollup.Table("gauges"),
                              " ORDER BY time_us"),
                 4 + static_cast<int>(kGaugeFields.size())),
        expected);
  }
}

TEST_F(RollupPropertyTest, ALateGaugeDoesNotReplaceTheLastCounter) {
  ASSERT_TRUE(
      store_.AppendGauges(agent_, {MakeGauge(50 * kSecond, 5, 500)}).ok());
  ASSERT_TRUE(
      store_.AppendGauges(agent_, {MakeGauge(20 * kSecond, 9, 200)}).ok());
  const std::string from = " FROM gauges_1m";
  EXPECT_EQ(store_.ReadInteger("SELECT active_opens" + from), 500);
  EXPECT_EQ(store_.ReadInteger("SELECT tcp_tw" + from), 9);
  EXPECT_EQ(store_.ReadInteger("SELECT boottime_us" + from), 50 * kSecond);
  EXPECT_EQ(store_.ReadInteger("SELECT readings" + from), 2);
}

TEST_F(RollupPropertyTest, FlowsEqualARecomputationFromRawRows) {
  constexpr int kSeconds = 6000;
  constexpr int kGroups = 5;
  std::vector<std::vector<uint32_t>> truth(kGroups);
  for (auto& closes : truth) {
    for (int i = 0; i < kSeconds; ++i) {
      closes.push_back(random_() % 4 == 0 ? random_() % 500 : 0);
    }
  }
  v1::SampleBatch batch;
  for (int64_t second = 100; second < kSeconds; second += 1 + Random(80)) {
    std::vector<v1::FlowGroup> groups;
    for (int i = 0; i < kGroups; ++i) {
      if (random_() % 5 == 0) continue;
      groups.push_back(MakeGroup(
          80, absl::StrCat("10.0.0.", i + 2), random_() % 1000, second - 60,
          VisibleCloses(truth[static_cast<size_t>(i)], second)));
      groups.back().mutable_states()->set_established(random_() % 50);
    }
    *batch.add_snapshots() =
        MakeSnapshot(second * kSecond + Random(kSecond), groups);
    if (random_() % 3 == 0) {
      ASSERT_TRUE(store_.Append(agent_, batch).ok());
      batch.Clear();
    }
  }
  const auto database = Read();
  for (const Rollup& rollup : kRollups) {
    Rows expected;
    std::map<int64_t, int64_t> known;
    constexpr size_t kColumns = 3 + 12;
    SqliteStatement statement(
        *database,
        absl::StrCat("SELECT f.time_us, f.group_id, s.closes_start_us,"
                     " f.closes_skip, f.closes, f.ephemeral_ports, ",
                     StateColumns("f."),
                     " FROM flow_samples AS f JOIN snapshots AS s USING"
                     " (agent_id, time_us)"));
    SqliteRun run(statement);
    while (*run.Step()) {
      Row& row =
          expected[{FloorTo(run.Int64(0), rollup.width_us), run.Int64(1)}];
      row.resize(kColumns, 0);
      *row[0] += 1;
      *row[1] = std::max(*row[1], run.Int64(5));
      for (size_t i = 0; i < 12; ++i) {
        row[3 + i] = std::max(*row[3 + i], run.Int64(6 + static_cast<int>(i)));
      }
      int64_t second_us = run.Int64(2) + run.Int64(3) * kSecond;
      for (const uint32_t closes : DecodeCloses(run.Blob(4))) {
        if (closes > 0) {
          Row& at =
              expected[{FloorTo(second_us, rollup.width_us), run.Int64(1)}];
          at.resize(kColumns, 0);
          *at[2] += closes;
        }
        second_us += kSecond;
      }
    }
    EXPECT_EQ(
        ReadRows(*database,
                 absl::StrCat("SELECT time_us, group_id, readings,"
                              " ephemeral_ports, closes, ",
                              StateColumns(), " FROM ", rollup.Table("flow")),
                 2 + static_cast<int>(kColumns)),
        expected);

    SqliteStatement windows(
        *database, "SELECT closes_start_us, closes_seconds FROM snapshots");
    SqliteRun window(windows);
    while (*window.Step()) {
      for (int64_t i = 0; i < window.Int64(1); ++i) {
        ++known[FloorTo(window.Int64(0) + i * kSecond, rollup.width_us)];
      }
    }
    for (const auto& [start_us, seconds] : known) {
      EXPECT_EQ(store_.ReadInteger(absl::StrCat("SELECT closes_seconds FROM ",
                                                rollup.Table("snapshots"),
                                                " WHERE time_us = ", start_us)),
                seconds);
      EXPECT_LE(seconds, rollup.width_us / kSecond);
    }
  }
}

}  // namespace
}  // namespace ephemera::controller
