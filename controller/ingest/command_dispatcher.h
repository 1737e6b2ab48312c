#ifndef EPHEMERA_CONTROLLER_INGEST_COMMAND_DISPATCHER_H_
#define EPHEMERA_CONTROLLER_INGEST_COMMAND_DISPATCHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "controller/identity/refusal_log.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/store/audit_draft.h"
#include "controller/store/audit_store.h"
#include "ephemera/v1/command_service.pb.h"

namespace ephemera::controller {

// One agent's command stream, seen from here. Neither call may block; both may
// come after the stream has ended.
struct CommandChannel {
  // Where the agent is, as AuditDraft::source.
  std::string source;
  std::function<void(const v1::Command&)> send;
  // A newer stream of the agent has taken over.
  std::function<void()> replaced;
};

// Brings commands to agents and their results back, and keeps what each agent
// thinks of the audit log. A command is sent after the event that says who
// asked for it is on disk, and each one sent ends in one event
// "command.finish".
//
// Thread-safe; calls no one while its lock is held. It must outlive the closing
// of `audit`.
class CommandDispatcher {
 public:
  // Commands of one agent that have no result yet.
  static constexpr size_t kMaxOutstanding = 16;
  // Events about what an agent thinks of the audit log are written this far
  // apart at least: an agent is not trusted with filling the log.
  static constexpr absl::Duration kStandingInterval = absl::Minutes(1);

  using Done = std::function<void(absl::StatusOr<v1::CommandResult>)>;

  CommandDispatcher(AuditStore& audit, RefusalLog& refusals,
                    const Clock& clock);

  // Sends a command, whose id is chosen here; `event` says who asked, and is
  // brought into the log also where the command is not sent. `done` is called
  // once, maybe at once, with the result or
  //   FAILED_PRECONDITION where the agent has no command stream;
  //   UNAVAILABLE         where it lost it: the command may or may not have
  //                       been done then;
  //   RESOURCE_EXHAUSTED  where the agent has too many commands already;
  //   DEADLINE_EXCEEDED   where no result came within `timeout`, or a second
  //                       more;
  //   errors of AuditStore::AppendEvent(), with which nothing was sent.
  void Send(const std::string& agent, v1::Command command,
            absl::Duration timeout, AuditDraft event, const Done& done);

  // A stream of the agent begins, and ends an older one.
  ConnectionId Connect(const std::string& agent, CommandChannel channel);
  // The calls below do nothing where `id` is no longer the agent's stream.
  void Disconnect(const ConnectionId& id);
  // The agent answered. A result that nobody waits for any more is an event
  // "command.late-result"; one of a command that was never sent is ignored.
  void OnResult(const ConnectionId& id, const v1::CommandResult& result);
  // A change is an error in the log, and an event "agent.audit-mismatch".
  void SetStanding(const ConnectionId& id, const v1::AuditStanding& standing);
  // Ends the waiting for commands whose time is up. Once a second.
  void OnTick(const ConnectionId& id);
  // Whether somebody still waits for the command.
  bool IsOutstanding(const ConnectionId& id, const std::string& command_id);

  // Why the agent refuses commands, from its last word; empty where it does
  // not, or has not said.
  std::string AuditMismatch(absl::string_view agent) const;

 private:
  struct Outstanding {
    v1::Command command;
    absl::Duration deadline;  // CLOCK_BOOTTIME
    Done done;
    // Its event is on disk.
    bool sent = false;
  };
  struct Agent {
    uint64_t number = 0;  // of its stream; 0: none
    CommandChannel channel;
    std::map<std::string, Outstanding> outstanding;  // by command id
    // Sent, and not answered in time; the newest few.
    std::map<std::string, v1::Command> late;
    std::string mismatch;
    // What the newest event about it says, and when that was (CLOCK_BOOTTIME).
    std::string audited_mismatch;
    absl::Duration audited_at = -absl::InfiniteDuration();
  };
  // What ends the waiting for a command.
  struct Settlement {
    std::string action = "command.finish";
    std::string agent;
    std::string actor;
    std::string source;
    Outstanding outstanding;
    absl::StatusOr<v1::CommandResult> result;
  };

  Agent* Find(const ConnectionId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Admits a command; the connection that it is for.
  absl::StatusOr<ConnectionId> Admit(const std::string& agent,
                                     const v1::Command& command,
                                     absl::Duration timeout, const Done& done);
  void OnEventStored(const ConnectionId& id, const std::string& command_id,
                     const absl::Status& status);
  void Settle(Settlement settlement);
  void SettleLost(const std::string& agent,
                  const std::map<std::string, Outstanding>& outstanding);
  void AuditStandingOf(const ConnectionId& id);
  void Append(AuditDraft event, const std::function<void()>& done);

  AuditStore& audit_;
  RefusalLog& refusals_;
  const Clock& clock_;
  // Of this process; makes the ids of its commands unique.
  const std::string id_prefix_;
  mutable Mutex mutex_;
  // Entries stay while there is a stream or something to remember.
  std::map<std::string, Agent, std::less<>> agents_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_command_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_COMMAND_DISPATCHER_H_
