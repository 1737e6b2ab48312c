#include "controller/store/gap_history.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/proto_time.h"
#include "controller/store/rollup.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {
namespace {

constexpr size_t kMaxGaps = 1000;

// A report comes after those that it continues.
constexpr char kDrops[] =
    "SELECT start_us, time_us, gauges, snapshots, boot_id, first_sequence,"
    " last_sequence FROM sample_drops"
    " WHERE agent_id = ? AND time_us >= ? AND start_us < ?"
    " ORDER BY start_us, first_sequence";

// Reports between which no reading is known to have come through.
struct Drops {
  int64_t start_us;
  int64_t end_us;
  uint64_t gauges;
  uint64_t snapshots;
  // Of the newest report.
  std::string boot_id;
  int64_t last_sequence;

  explicit Drops(const SqliteRun& run)
      : start_us(run.Int64(0)),
        end_us(run.Int64(1)),
        gauges(static_cast<uint64_t>(run.Int64(2))),
        snapshots(static_cast<uint64_t>(run.Int64(3))),
        boot_id(run.Text(4)),
        last_sequence(run.Int64(6)) {}

  // False, changing nothing, where the report neither overlaps nor begins with
  // the batch after the last one dropped.
  bool Extend(const Drops& report, int64_t first_sequence) {
    const bool follows =
        report.boot_id == boot_id && first_sequence - 1 == last_sequence;
    if (!follows && report.start_us > end_us) return false;
    end_us = std::max(end_us, report.end_us);
    gauges += report.gauges;
    snapshots += report.snapshots;
    boot_id = report.boot_id;
    last_sequence = report.last_sequence;
    return true;
  }

  v1::Gap ToGap() const {
    v1::Gap gap;
    *gap.mutable_start_time() = ToProto(absl::FromUnixMicros(start_us));
    *gap.mutable_end_time() = ToProto(absl::FromUnixMicros(end_us));
    gap.set_gauges(gauges);
    gap.set_snapshots(snapshots);
    return gap;
  }
};

}  // namespace

absl::StatusOr<GapList> ReadGaps(SqliteDatabase& database, AgentId agent_id,
                                 absl::Time start, absl::Time end) {
  SqliteStatement statement(database, kDrops);
  SqliteRun run(statement);
  run.Bind(agent_id).Bind(StoredMicros(start)).Bind(StoredMicros(end));
  GapList list;
  std::optional<Drops> open;
  for (;;) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) break;
    Drops report(run);
    if (open.has_value()) {
      if (open->Extend(report, run.Int64(5))) continue;
      list.gaps.push_back(open->ToGap());
      if (list.gaps.size() == kMaxGaps) {
        list.more = true;
        return list;
      }
    }
    open = std::move(report);
  }
  if (open.has_value()) list.gaps.push_back(open->ToGap());
  return list;
}

}  // namespace ephemera::controller
