#include "controller/ingest/command_dispatcher.h"

#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/resource_name.h"

namespace ephemera::controller {
namespace {

std::string NewIdPrefix() {
  absl::BitGen random;
  return absl::StrCat(
      absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16), "-");
}

// "renew_certificate".
std::string CommandName(const v1::Command& command) {
  const google::protobuf::OneofDescriptor* const oneof =
      command.GetDescriptor()->FindOneofByName("command");
  const google::protobuf::FieldDescriptor* const field =
      command.GetReflection()->GetOneofFieldDescriptor(command, oneof);
  return field == nullptr ? "" : field->name();
}

absl::Status StreamEnded(absl::string_view agent, bool sent) {
  return absl::UnavailableError(absl::StrCat(
      "the connection of ", AgentResourceName(agent),
      sent ? " ended before it answered; the command may or may not have been "
             "done"
           : " ended before the command was sent"));
}

// What an event says of a command's end.
void Describe(const absl::StatusOr<v1::CommandResult>& result,
              AuditDraft& event) {
  if (!result.ok()) {
    event.outcome = v1::AuditEvent::OUTCOME_FAILED;
    event.message = std::string(result.status().message());
    return;
  }
  event.message = result->message();
  switch (result->outcome()) {
    case v1::CommandResult::OUTCOME_OK:
      event.outcome = v1::AuditEvent::OUTCOME_OK;
      return;
    case v1::CommandResult::OUTCOME_REFUSED:
      event.outcome = v1::AuditEvent::OUTCOME_REFUSED;
      return;
    default:
      event.outcome = v1::AuditEvent::OUTCOME_FAILED;
  }
}

}  // namespace

CommandDispatcher::CommandDispatcher(AuditStore& audit, RefusalLog& refusals,
                                     const Clock& clock)
    : audit_(audit),
      refusals_(refusals),
      clock_(clock),
      id_prefix_(NewIdPrefix()) {}

CommandDispatcher::Agent* CommandDispatcher::Find(const ConnectionId& id) {
  const auto found = agents_.find(id.agent);
  return id.number == 0 || found == agents_.end() ||
                 found->second.number != id.number
             ? nullptr
             : &found->second;
}

void CommandDispatcher::Send(const std::string& agent, v1::Command command,
                             absl::Duration timeout, AuditDraft event,
                             const Done& done) {
  {
    const MutexLock lock(mutex_);
    command.set_id(absl::StrCat(id_prefix_, ++last_command_));
  }
  const absl::StatusOr<ConnectionId> id = Admit(agent, command, timeout, done);
  if (!id.ok()) {
    refusals_.Note(std::move(event), id.status());
    done(id.status());
    return;
  }
  event.after["command_id"] = command.id();
  const absl::Status queued = audit_.AppendEvent(
      std::move(event),
      [this, id = *id, command_id = command.id()](const absl::Status& stored) {
        OnEventStored(id, command_id, stored);
      });
  if (!queued.ok()) OnEventStored(*id, command.id(), queued);
}

absl::StatusOr<ConnectionId> CommandDispatcher::Admit(
    const std::string& agent, const v1::Command& command,
    absl::Duration timeout, const Done& done) {
  const MutexLock lock(mutex_);
  const auto found = agents_.find(agent);
  if (found == agents_.end() || found->second.number == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(AgentResourceName(agent), " is not connected"));
  }
  if (found->second.outstanding.size() >= kMaxOutstanding) {
    return absl::ResourceExhaustedError(
        absl::StrCat(AgentResourceName(agent), " has not answered ",
                     kMaxOutstanding, " commands; try again in a moment"));
  }
  found->second.outstanding.emplace(
      command.id(), Outstanding{command, clock_.BootTime() + timeout, done});
  return ConnectionId{agent, found->second.number};
}

void CommandDispatcher::OnEventStored(const ConnectionId& id,
                                      const std::string& command_id,
                                      const absl::Status& status) {
  std::function<void(const v1::Command&)> send;
  v1::Command command;
  Done done;
  {
    const MutexLock lock(mutex_);
    Agent* const agent = Find(id);
    // Where either is gone, whoever took it away called `done`.
    if (agent == nullptr) return;
    const auto found = agent->outstanding.find(command_id);
    if (found == agent->outstanding.end()) return;
    if (status.ok()) {
      found->second.sent = true;
      command = found->second.command;
      send = agent->channel.send;
    } else {
      done = std::move(found->second.done);
      agent->outstanding.erase(found);
    }
  }
  if (status.ok()) {
    send(command);
  } else {
    done(absl::IsCancelled(status)
             ? absl::UnavailableError("the controller is shutting down")
             : status);
  }
}

ConnectionId CommandDispatcher::Connect(const std::string& agent,
                                        CommandChannel channel) {
  std::map<std::string, Outstanding> lost;
  std::function<void()> replaced;
  ConnectionId id{agent, 0};
  {
    const MutexLock lock(mutex_);
    Agent& entry = agents_[agent];
    lost.swap(entry.outstanding);
    if (entry.number != 0) replaced = std::move(entry.channel.replaced);
    entry.channel = std::move(channel);
    id.number = entry.number = ++last_number_;
  }
  if (replaced != nullptr) replaced();
  SettleLost(agent, lost);
  return id;
}

void CommandDispatcher::Disconnect(const ConnectionId& id) {
  std::map<std::string, Outstanding> lost;
  {
    const MutexLock lock(mutex_);
    Agent* const agent = Find(id);
    if (agent == nullptr) return;
    lost.swap(agent->outstanding);
    agent->number = 0;
    agent->channel = {};
    if (agent->mismatch.empty() && agent->audited_mismatch.empty()) {
      agents_.erase(id.agent);
    }
  }
  SettleLost(id.agent, lost);
}

void CommandDispatcher::OnResult(const ConnectionId& id,
                                 const v1::CommandResult& result) {
  Settlement settlement;
  {
    const MutexLock lock(mutex_);
    Agent* const agent = Find(id);
    if (agent == nullptr) return;
    const auto found = agent->outstanding.find(result.id());
    const auto late = agent->late.find(result.id());
    settlement.agent = id.agent;
    settlement.actor = AgentResourceName(id.agent);
    settlement.source = agent->channel.source;
    settlement.result = result;
    if (found != agent->outstanding.end() && found->second.sent) {
      settlement.outstanding = std::move(found->second);
      agent->outstanding.erase(found);
    } else if (late != agent->late.end()) {
      settlement.action = "command.late-result";
      settlement.outstanding.command = std::move(late->second);
      settlement.outstanding.done =
          [](const absl::StatusOr<v1::CommandResult>&) {};
      agent->late.erase(late);
    } else {
      return;
    }
  }
  Settle(std::move(settlement));
}

void CommandDispatcher::OnTick(const ConnectionId& id) {
  std::vector<Settlement> late;
  {
    const MutexLock lock(mutex_);
    Agent* const agent = Find(id);
    if (agent == nullptr) return;
    const absl::Duration now = clock_.BootTime();
    for (auto next = agent->outstanding.begin();
         next != agent->outstanding.end();) {
      const auto current = next++;
      if (now < current->second.deadline) continue;
      if (current->second.sent) {
        if (agent->late.size() >= kMaxOutstanding) {
          agent->late.erase(agent->late.begin());
        }
        agent->late.emplace(current->first, current->second.command);
      }
      late.push_back({.agent = id.agent,
                      .actor = "controller",
                      .source = "",
                      .outstanding = std::move(current->second),
                      .result = absl::DeadlineExceededError(absl::StrCat(
                          AgentResourceName(id.agent),
                          " has not answered; the command may or may not have "
                          "been done"))});
      agent->outstanding.erase(current);
    }
  }
  for (Settlement& settlement : late) Settle(std::move(settlement));
  AuditStandingOf(id);
}

bool CommandDispatcher::IsOutstanding(const ConnectionId& id,
                                      const std::string& command_id) {
  const MutexLock lock(mutex_);
  const Agent* const agent = Find(id);
  return agent != nullptr && agent->outstanding.count(command_id) > 0;
}

void CommandDispatcher::SettleLost(
    const std::string& agent,
    const std::map<std::string, Outstanding>& outstanding) {
  for (const auto& [command_id, lost] : outstanding) {
    const absl::Status status = StreamEnded(agent, lost.sent);
    Settle({.agent = agent,
            .actor = "controller",
            .source = "",
            .outstanding = lost,
            .result = status});
  }
}

void CommandDispatcher::Settle(Settlement settlement) {
  AuditDraft event = {.actor = std::move(settlement.actor),
                      .source = std::move(settlement.source),
                      .action = std::move(settlement.action),
                      .object = AgentResourceName(settlement.agent)};
  const v1::Command& command = settlement.outstanding.command;
  event.after["command"] = CommandName(command);
  event.after["command_id"] = command.id();
  Describe(settlement.result, event);
  Append(std::move(event),
         [done = std::move(settlement.outstanding.done),
          result = std::move(settlement.result)] { done(result); });
}

void CommandDispatcher::Append(AuditDraft event,
                               const std::function<void()>& done) {
  const absl::Status queued =
      audit_.AppendEvent(std::move(event), [done](const absl::Status& stored) {
        if (!stored.ok() && !absl::IsCancelled(stored)) {
          LogError("an audit event was not stored: %s", stored.message());
        }
        done();
      });
  if (queued.ok()) return;
  LogError("an audit event was not stored: %s", queued.message());
  done();
}

void CommandDispatcher::SetStanding(const ConnectionId& id,
                                    const v1::AuditStanding& standing) {
  {
    const MutexLock lock(mutex_);
    Agent* const agent = Find(id);
    if (agent == nullptr) return;
    agent->mismatch = standing.mismatch();
  }
  AuditStandingOf(id);
}

void CommandDispatcher::AuditStandingOf(const ConnectionId& id) {
  AuditDraft event = {.actor = AgentResourceName(id.agent),
                      .source = "",
                      .action = "agent.audit-mismatch",
                      .object = AgentResourceName(id.agent)};
  {
    const MutexLock lock(mutex_);
    Agent* const agent = Find(id);
    const absl::Duration now = clock_.BootTime();
    if (agent == nullptr || agent->mismatch == agent->audited_mismatch ||
        now - agent->audited_at < kStandingInterval) {
      return;
    }
    event.source = agent->channel.source;
    event.before["mismatch"] =
        std::exchange(agent->audited_mismatch, agent->mismatch);
    event.after["mismatch"] = event.message = agent->mismatch;
    agent->audited_at = now;
  }
  if (event.message.empty()) {
    LogInfo("agent %s trusts the audit log again", id.agent);
  } else {
    event.outcome = v1::AuditEvent::OUTCOME_REFUSED;
    LogError("agent %s refuses commands: %s", id.agent, event.message);
  }
  Append(std::move(event), [] {});
}

std::string CommandDispatcher::AuditMismatch(absl::string_view agent) const {
  const MutexLock lock(mutex_);
  const auto found = agents_.find(agent);
  return found == agents_.end() ? "" : found->second.mismatch;
}

}  // namespace ephemera::controller
