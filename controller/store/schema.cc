#include "controller/store/schema.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "controller/store/field_columns.h"

namespace ephemera::controller {
namespace {

// $gauges and $states stand for the columns of the field lists, each with its
// type.
constexpr absl::string_view kVersion1 = R"sql(
CREATE TABLE agents (
  agent_id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  hostname TEXT NOT NULL,
  kernel_release TEXT NOT NULL,
  agent_version TEXT NOT NULL,
  host_boot_id TEXT NOT NULL,
  epoch_us INTEGER NOT NULL,
  first_seen_us INTEGER NOT NULL,
  clock_skew_us INTEGER NOT NULL,
  -- The boot-clock second before which all closes of this host boot are stored.
  closed_through INTEGER NOT NULL DEFAULT 0,
  dropped_gauges INTEGER NOT NULL DEFAULT 0,
  dropped_snapshots INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE agent_labels (
  agent_id INTEGER NOT NULL REFERENCES agents,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (agent_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_boots (
  agent_id INTEGER NOT NULL REFERENCES agents,
  boot_id TEXT NOT NULL,
  acknowledged_sequence INTEGER NOT NULL,
  started_us INTEGER NOT NULL,
  -- Of the newest reading; 0 where there is none.
  newest_us INTEGER NOT NULL,
  PRIMARY KEY (agent_id, boot_id)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: people note these numbers, so they are never used again.
CREATE TABLE flow_groups (
  group_id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id INTEGER NOT NULL REFERENCES agents,
  service_port INTEGER NOT NULL,
  direction INTEGER NOT NULL,
  remote_address TEXT NOT NULL,
  local_address TEXT NOT NULL,
  -- The hour in which the group was last in a snapshot.
  last_seen_us INTEGER NOT NULL,
  UNIQUE (agent_id, service_port, direction, remote_address, local_address)
) STRICT;
CREATE INDEX flow_groups_by_age ON flow_groups (agent_id, last_seen_us);

CREATE TABLE gauges (
  agent_id INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  $gauges,
  PRIMARY KEY (agent_id, time_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
  agent_id INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  boottime_us INTEGER NOT NULL,
  wall_time_us INTEGER NOT NULL,
  source INTEGER NOT NULL,
  trigger INTEGER NOT NULL,
  $states,
  pool_capacity INTEGER NOT NULL,
  time_wait_longest_ms INTEGER NOT NULL,
  sockstat_difference INTEGER NOT NULL,
  cost_cpu_ns INTEGER NOT NULL,
  cost_elapsed_ns INTEGER NOT NULL,
  -- The whole seconds whose closes this snapshot, and no other, tells.
  closes_start_us INTEGER NOT NULL,
  closes_seconds INTEGER NOT NULL,
  PRIMARY KEY (agent_id, time_us)
) STRICT, WITHOUT ROWID;

-- No row: the group had no sockets in that snapshot.
CREATE TABLE flow_samples (
  agent_id INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  $states,
  ephemeral_ports INTEGER NOT NULL,
  -- Seconds without a close at the start of the snapshot's window, and then one
  -- varint per second up to the last close.
  closes_skip INTEGER NOT NULL,
  closes BLOB NOT NULL,
  PRIMARY KEY (agent_id, time_us, group_id)
) STRICT, WITHOUT ROWID;

-- Sockets that listen on a port now; no row: none.
CREATE TABLE listeners (
  agent_id INTEGER NOT NULL,
  port INTEGER NOT NULL,
  listeners INTEGER NOT NULL,
  PRIMARY KEY (agent_id, port)
) STRICT, WITHOUT ROWID;

-- Their number from time_us on, up to the port's next row.
CREATE TABLE listener_changes (
  agent_id INTEGER NOT NULL,
  port INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  listeners INTEGER NOT NULL,
  PRIMARY KEY (agent_id, port, time_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE sysctls (
  agent_id INTEGER NOT NULL REFERENCES agents,
  key TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  -- NULL: from then on the kernel had no such key.
  value TEXT,
  PRIMARY KEY (agent_id, key, time_us)
) STRICT, WITHOUT ROWID;

-- A serialised ephemera.v1.Snapshot, for the live views after a restart.
CREATE TABLE newest_snapshots (
  agent_id INTEGER PRIMARY KEY REFERENCES agents,
  time_us INTEGER NOT NULL,
  snapshot BLOB NOT NULL
) STRICT;

CREATE TABLE sample_drops (
  agent_id INTEGER NOT NULL REFERENCES agents,
  -- Of the last reading lost.
  time_us INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  start_us INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  gauges INTEGER NOT NULL,
  snapshots INTEGER NOT NULL,
  PRIMARY KEY (agent_id, time_us, boot_id, first_sequence)
) STRICT, WITHOUT ROWID;
)sql";

// Twice: $rollup is 1m and 1h.
constexpr absl::string_view kVersion1Rollups = R"sql(
CREATE TABLE gauges_$rollup (
  agent_id INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  last_time_us INTEGER NOT NULL,
  $gauges,
  PRIMARY KEY (agent_id, time_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots_$rollup (
  agent_id INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  last_time_us INTEGER NOT NULL,
  pool_capacity INTEGER NOT NULL,
  -- Seconds of the bucket whose closes are known.
  closes_seconds INTEGER NOT NULL,
  PRIMARY KEY (agent_id, time_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE flow_$rollup (
  agent_id INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  $states,
  ephemeral_ports INTEGER NOT NULL,
  closes INTEGER NOT NULL,
  PRIMARY KEY (agent_id, time_us, group_id)
) STRICT, WITHOUT ROWID;
)sql";

// Identities and the audit log.
constexpr char kVersion2[] = R"sql(
-- Identities are resource names: agents/NAME, users/NAME.
CREATE TABLE certificates (
  serial TEXT PRIMARY KEY,
  -- SHA-256 of the whole, hexadecimal.
  fingerprint TEXT NOT NULL,
  identity TEXT NOT NULL,
  not_before_us INTEGER NOT NULL,
  not_after_us INTEGER NOT NULL,
  revoked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_by_identity ON certificates (identity);
CREATE INDEX certificates_by_end ON certificates (not_after_us);

CREATE TABLE tokens (
  token_id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  identity TEXT NOT NULL,
  creator TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  -- Of the public key that used it; empty before.
  key_hash TEXT NOT NULL,
  -- 0 before.
  used_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_identity ON tokens (identity);

CREATE TABLE token_labels (
  token_id TEXT NOT NULL REFERENCES tokens ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (token_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  name TEXT PRIMARY KEY,
  role INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  created_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is decided about agents' names; an agent need not have connected yet.
CREATE TABLE agent_standings (
  name TEXT PRIMARY KEY,
  banned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE assigned_labels (
  name TEXT NOT NULL REFERENCES agent_standings ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;

-- `text` is the leaf of the Merkle tree, and what is shown. `actor` and `object`
-- repeat two of its fields, to be found by. The rest is the signed checkpoint of
-- the log up to and including the entry.
CREATE TABLE audit_events (
  entry INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  actor TEXT NOT NULL,
  object TEXT NOT NULL,
  root_hash BLOB NOT NULL,
  checkpoint_us INTEGER NOT NULL,
  signature BLOB NOT NULL
) STRICT;
CREATE INDEX audit_events_by_actor ON audit_events (actor, entry);
CREATE INDEX audit_events_by_object ON audit_events (object, entry);

-- Complete subtrees: leaves [position << level, (position + 1) << level).
CREATE TABLE audit_nodes (
  level INTEGER NOT NULL,
  position INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace

std::vector<std::string> SchemaMigrations() {
  const std::string gauges = absl::StrCat(
      absl::StrReplaceAll(GaugeColumns(), {{", ", " INTEGER,\n  "}}),
      " INTEGER");
  const std::string states = absl::StrCat(
      absl::StrReplaceAll(StateColumns(), {{", ", " INTEGER NOT NULL,\n  "}}),
      " INTEGER NOT NULL");
  const std::string text = absl::StrCat(
      kVersion1, absl::StrReplaceAll(kVersion1Rollups, {{"$rollup", "1m"}}),
      absl::StrReplaceAll(kVersion1Rollups, {{"$rollup", "1h"}}));
  return {absl::StrReplaceAll(text, {{"$gauges", gauges}, {"$states", states}}),
          kVersion2};
}

}  // namespace ephemera::controller
