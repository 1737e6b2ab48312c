#include "agent/stream/connection_log.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace ephemera::agent {
namespace {

constexpr size_t kMaxPeerText = 300;
// More distinct troubles than this are a peer that makes them up; the rest is
// left to the reminder.
constexpr size_t kMaxDistinct = 16;
constexpr absl::Duration kReminder = absl::Minutes(1);

}  // namespace

ConnectionLog::ConnectionLog(std::string agent, std::string controller,
                             const Clock& clock, LogFunction log)
    : agent_(std::move(agent)),
      controller_(std::move(controller)),
      clock_(clock),
      log_(std::move(log)) {}

void ConnectionLog::Write(LogLevel level, absl::string_view text) {
  last_line_ = clock_.BootTime();
  log_(level, text);
}

void ConnectionLog::OnConnected(size_t pending, uint64_t dropped) {
  const MutexLock lock(mutex_);
  if (said_connected_) return;
  said_connected_ = true;
  std::string text = absl::StrFormat(
      "%s to the controller at %s; %d batches to send",
      connected_once_ ? "connected again" : "connected", controller_, pending);
  if (const uint64_t lost = dropped - told_dropped_; lost > 0) {
    absl::StrAppendFormat(&text, ", %d were dropped", lost);
  }
  Write(LogLevel::kInfo, text);
  connected_once_ = true;
  told_dropped_ = dropped;
}

void ConnectionLog::OnDisconnected(const absl::Status& status, bool connected) {
  const MutexLock lock(mutex_);
  std::string text;
  LogLevel level = LogLevel::kWarning;
  if (status.code() == absl::StatusCode::kAlreadyExists) {
    level = LogLevel::kError;
    text = absl::StrFormat(
        "the name %s is taken (%s); choose another with --name or stop the "
        "other agent",
        agent_, status.message().substr(0, kMaxPeerText));
  } else {
    const std::string why =
        status.ok()
            ? "it ended the stream"
            : absl::StrFormat("%s: %s", absl::StatusCodeToString(status.code()),
                              status.message().substr(0, kMaxPeerText));
    text = absl::StrFormat(
        "%s the controller at %s (%s); readings are kept and sent later",
        connected ? "lost" : "cannot reach", controller_, why);
  }
  const bool late = clock_.BootTime() - last_line_ >= kReminder;
  if (said_.size() < kMaxDistinct && said_.insert(text).second) {
    Write(level, text);
  } else if (late) {
    Write(level, absl::StrFormat("still not connected: %s", text));
  } else {
    return;
  }
  said_connected_ = false;
}

void ConnectionLog::OnSettled() {
  const MutexLock lock(mutex_);
  said_.clear();
}

void ConnectionLog::OnWaiting() {
  const MutexLock lock(mutex_);
  if (clock_.BootTime() - last_line_ < kReminder) return;
  Write(LogLevel::kWarning,
        absl::StrFormat("still not connected: the controller at %s does not "
                        "answer; readings are kept and sent later",
                        controller_));
  said_connected_ = false;
}

void ConnectionLog::OnStorageFault(absl::string_view fault) {
  const MutexLock lock(mutex_);
  const absl::string_view cut = fault.substr(0, kMaxPeerText);
  if (cut == fault_) return;
  fault_ = std::string(cut);
  if (fault_.empty()) {
    Write(LogLevel::kInfo, "the controller can store readings again");
  } else {
    Write(LogLevel::kWarning,
          absl::StrFormat("the controller cannot store readings (%s); they are "
                          "kept and sent again",
                          fault_));
  }
}

}  // namespace ephemera::agent
