#include "controller/identity/refusal_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace ephemera::controller {
namespace {

constexpr absl::Duration kEventInterval = absl::Minutes(1);
// Actors, hosts and actions that are told apart; more are taken as one.
constexpr size_t kMaxEntries = 1024;

bool IsFailure(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsInternal(status);
}

// The source without port and serial number: a new connection is not news.
absl::string_view HostPart(absl::string_view source) {
  source = source.substr(0, source.find(','));
  return source.substr(0, source.rfind(':'));
}

}  // namespace

void RefusalLog::Note(AuditDraft event, const absl::Status& status) {
  const absl::Duration now = clock_.BootTime();
  int64_t left_out = 0;
  {
    const MutexLock lock(mutex_);
    if (entries_.size() >= kMaxEntries) {
      absl::erase_if(entries_, [now](const auto& entry) {
        return now - entry.second.last >= kEventInterval;
      });
    }
    const std::string key =
        entries_.size() >= kMaxEntries
            ? "more"
            : absl::StrCat(event.actor, "\n", HostPart(event.source), "\n",
                           event.action);
    const auto [found, is_new] = entries_.try_emplace(key);
    Entry& entry = found->second;
    if (!is_new && now - entry.last < kEventInterval) {
      ++entry.left_out;
      return;
    }
    entry.last = now;
    left_out = std::exchange(entry.left_out, 0);
  }
  event.outcome = IsFailure(status) ? v1::AuditEvent::OUTCOME_FAILED
                                    : v1::AuditEvent::OUTCOME_REFUSED;
  event.message = std::string(status.message());
  if (left_out > 0) {
    absl::StrAppend(&event.message, " (and ", left_out, " times before)");
  }
  LogWarning("%s from %s: %s%s%s refused: %s", event.actor, event.source,
             event.action, event.object.empty() ? "" : " ", event.object,
             event.message);
  const absl::Status queued =
      audit_.AppendEvent(std::move(event), [](const absl::Status& stored) {
        if (!stored.ok() && !absl::IsCancelled(stored)) {
          LogError("an audit event was not stored: %s", stored.message());
        }
      });
  if (!queued.ok()) {
    LogError("an audit event was not stored: %s", queued.message());
  }
}

}  // namespace ephemera::controller
