#ifndef EPHEMERA_CONTROLLER_INGEST_SAMPLE_INTAKE_H_
#define EPHEMERA_CONTROLLER_INGEST_SAMPLE_INTAKE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/ingest/ingest_service.h"
#include "controller/store/records.h"
#include "ephemera/v1/ingest_service.pb.h"

namespace ephemera::controller {

// What the messages of one sample stream mean: checks them, holds the agent's
// name and keeps the live registry up to date. Not thread-safe, but what
// TakeHello() sets is constant afterwards.
class SampleIntake {
 public:
  explicit SampleIntake(const IngestContext& ingest) : ingest_(ingest) {}

  // Checks the first message and takes the agent's name; `taken_over` is called
  // where another stream takes it later. INVALID_ARGUMENT; PERMISSION_DENIED
  // where `caller` cannot speak for the agent; ALREADY_EXISTS while another
  // stream holds the name, which is logged.
  absl::Status TakeHello(const Caller& caller,
                         const v1::StreamSamplesRequest& request,
                         std::function<void()> taken_over);

  // The store answered the hello.
  void SetRegistered(const RegisteredAgent& registered);

  // Checks a later message, given the last batch received before it. A batch
  // up to `acknowledged` was sent again and is not looked at further; any other
  // goes to the live registry. INVALID_ARGUMENT.
  absl::Status TakeBatch(uint64_t acknowledged, uint64_t last_received,
                         v1::StreamSamplesRequest& request);

  // Says in the log how a stream ended; `agent` is empty where it brought no
  // valid hello. A refused claim to a name is left out: TakeHello() said it.
  static void LogEnd(absl::string_view agent, const absl::Status& status);

  // The agent is alive though nothing is read from it.
  void Touch() { ingest_.registry.Touch(connection_); }
  // Gives the name back, if it was taken.
  void Release() { ingest_.registry.Disconnect(connection_); }

  const std::string& agent() const { return record_.name; }
  const std::string& boot_id() const { return boot_id_; }
  // As it goes to AgentStore::Register().
  const AgentRecord& record() const { return record_; }

 private:
  const IngestContext& ingest_;
  ConnectionId connection_;
  std::string boot_id_;
  AgentRecord record_;
  absl::Duration hello_boottime_;
  absl::Duration hello_received_;  // CLOCK_BOOTTIME of the controller
  // A gap that no drop report tells is news once.
  bool gap_logged_ = false;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_SAMPLE_INTAKE_H_
