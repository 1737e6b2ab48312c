#include "controller/store/listener_writer.h"

#include <map>

namespace ephemera::controller {
namespace {

constexpr char kFindLater[] =
    "SELECT 1 FROM snapshots WHERE agent_id = ? AND time_us > ? LIMIT 1";
constexpr char kRead[] =
    "SELECT port, listeners FROM listeners WHERE agent_id = ? ORDER BY port";
constexpr char kLog[] =
    "INSERT INTO listener_changes (agent_id, port, time_us, listeners)"
    " VALUES (?, ?, ?, ?) ON CONFLICT (agent_id, port, time_us) DO UPDATE SET"
    " listeners = excluded.listeners";
constexpr char kSet[] =
    "INSERT INTO listeners (agent_id, port, listeners) VALUES (?, ?, ?)"
    " ON CONFLICT (agent_id, port) DO UPDATE SET"
    " listeners = excluded.listeners";
constexpr char kRemove[] =
    "DELETE FROM listeners WHERE agent_id = ? AND port = ?";

}  // namespace

ListenerWriter::ListenerWriter(SqliteDatabase& database)
    : find_later_(database, kFindLater),
      read_(database, kRead),
      log_(database, kLog),
      set_(database, kSet),
      remove_(database, kRemove) {}

absl::Status ListenerWriter::Write(AgentId agent_id, int64_t time_us,
                                   const v1::Snapshot& snapshot) {
  {
    SqliteRun run(find_later_);
    const absl::StatusOr<bool> later = run.Bind(agent_id).Bind(time_us).Step();
    if (!later.ok()) return later.status();
    if (*later) return absl::OkStatus();
  }
  std::map<uint32_t, int64_t> changed;
  for (const v1::Listener& listener : snapshot.listeners()) {
    ++changed[listener.port()];
  }
  {
    SqliteRun run(read_);
    absl::Status status = run.Bind(agent_id).ForEachRow([&] {
      // Enters the port with 0 where the snapshot lacks it.
      const auto port =
          changed.try_emplace(static_cast<uint32_t>(run.Int64(0)), 0).first;
      if (port->second == run.Int64(1)) changed.erase(port);
    });
    if (!status.ok()) return status;
  }
  for (const auto& [port, listeners] : changed) {
    absl::Status status = WriteChange(agent_id, time_us, port, listeners);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ListenerWriter::WriteChange(AgentId agent_id, int64_t time_us,
                                         uint32_t port, int64_t listeners) {
  {
    SqliteRun run(log_);
    run.Bind(agent_id).Bind(port).Bind(time_us).Bind(listeners);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
  }
  SqliteRun run(listeners == 0 ? remove_ : set_);
  run.Bind(agent_id).Bind(port);
  if (listeners != 0) run.Bind(listeners);
  return run.Finish();
}

}  // namespace ephemera::controller
