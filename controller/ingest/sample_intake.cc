#include "controller/ingest/sample_intake.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/resource_name.h"
#include "controller/ingest/sample_validator.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
namespace {

// Whether the batch reports every batch from `first` to `last` as dropped.
bool ReportsDropped(const v1::SampleBatch& batch, uint64_t first,
                    uint64_t last) {
  for (const v1::DropReport& drop : batch.drops()) {
    if (drop.first_sequence() <= first && drop.last_sequence() >= first) {
      first = drop.last_sequence() + 1;
    }
  }
  return first > last;
}

}  // namespace

absl::Status SampleIntake::TakeHello(const Caller& caller,
                                     const v1::StreamSamplesRequest& request,
                                     std::function<void()> taken_over) {
  if (!request.has_hello()) {
    return FieldError("request", "the first message must be a hello");
  }
  const v1::AgentHello& hello = request.hello();
  if (absl::Status status = ValidateHello(hello); !status.ok()) return status;
  absl::StatusOr<std::string> name = ParseAgentResourceName(hello.agent());
  if (!name.ok()) return name.status();
  absl::Status allowed = ingest_.authorizer.CheckSpeaksFor(caller, *name);
  if (!allowed.ok()) return allowed;
  hello_received_ = ingest_.clock.BootTime();
  hello_boottime_ = absl::Microseconds(hello.boottime_us());
  boot_id_ = hello.boot_id();
  const absl::Time now = ingest_.fleet_clock.Now();
  record_ = {
      .name = *std::move(name),
      .hostname = hello.hostname(),
      .kernel_release = hello.kernel_release(),
      .agent_version = hello.agent_version(),
      .labels = {hello.labels().begin(), hello.labels().end()},
      .host_boot_id = hello.host_boot_id(),
      .epoch = now - hello_boottime_,
      .first_seen = now,
      .last_seen = now,
      .clock_skew =
          absl::FromUnixMicros(hello.wall_time_us()) - ingest_.clock.Now(),
  };
  const NameClaim claim = {.agent = record_.name,
                           .boot_id = boot_id_,
                           .hostname = record_.hostname,
                           .name_refused = hello.name_refused()};
  absl::StatusOr<ConnectionId> connection =
      ingest_.registry.Connect(claim, now, std::move(taken_over));
  if (!connection.ok()) {
    if (ingest_.registry.NoteRefusal(claim)) {
      LogWarning("an agent on %s is refused: %s", claim.hostname,
                 connection.status().message());
    }
    return connection.status();
  }
  connection_ = *std::move(connection);
  return absl::OkStatus();
}

void SampleIntake::SetRegistered(const RegisteredAgent& registered) {
  AgentRecord record = record_;
  record.id = registered.id;
  record.epoch = registered.epoch;
  record.first_seen = registered.first_seen;
  ingest_.registry.SetRecord(connection_, std::move(record));
  LogInfo("agent %s connected from %s, version %s", record_.name,
          record_.hostname, record_.agent_version);
}

void SampleIntake::LogEnd(absl::string_view agent, const absl::Status& status) {
  const std::string who = agent.empty() ? "a stream without a valid hello"
                                        : absl::StrCat("agent ", agent);
  if (absl::IsInvalidArgument(status)) {
    LogWarning("%s is refused: %s", who, status.message());
  } else if (!absl::IsAlreadyExists(status)) {
    LogInfo("%s disconnected%s%s", who, status.ok() ? "" : ": ",
            status.message());
  }
}

absl::Status SampleIntake::TakeBatch(uint64_t acknowledged,
                                     uint64_t last_received,
                                     v1::StreamSamplesRequest& request) {
  if (!request.has_batch()) {
    return FieldError("request",
                      "every message after the hello must be a batch");
  }
  v1::SampleBatch& batch = *request.mutable_batch();
  const absl::Duration newest = NewestPlausibleBoottime(
      hello_boottime_, ingest_.clock.BootTime() - hello_received_);
  if (absl::Status status = ValidateBatch(newest, batch); !status.ok()) {
    return status;
  }
  const uint64_t sequence = batch.sequence();
  if (sequence <= acknowledged) {
    Touch();
    return absl::OkStatus();
  }
  if (sequence <= last_received) {
    return FieldError("batch.sequence",
                      absl::StrCat(sequence, " is not above ", last_received,
                                   ", the batch before it"));
  }
  if (sequence != last_received + 1 && !gap_logged_ &&
      !ReportsDropped(batch, last_received + 1, sequence - 1)) {
    gap_logged_ = true;
    LogInfo("agent %s: batches %d to %d have not come", record_.name,
            last_received + 1, sequence - 1);
  }
  ingest_.registry.Update(connection_, batch);
  return absl::OkStatus();
}

}  // namespace ephemera::controller
