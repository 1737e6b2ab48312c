#include "controller/identity/refusal_log.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace ephemera::controller {
namespace {

constexpr absl::Duration kEventInterval = absl::Minutes(1);
// Attempts that are told apart; more are taken as one.
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
  std::string key =
      absl::StrCat(event.actor, "\n", HostPart(event.source), "\n",
                   event.action, "\n", static_cast<int>(status.code()));
  {
    const MutexLock lock(mutex_);
    if (entries_.size() >= kMaxEntries && !entries_.contains(key)) key = "more";
    const auto [found, is_new] = entries_.try_emplace(std::move(key));
    Entry& entry = found->second;
    if (!is_new) {
      ++entry.left_out;
      entry.event = std::move(event);
      entry.status = status;
      return;
    }
    entry.written = clock_.BootTime();
  }
  Write(std::move(event), status, 0);
}

void RefusalLog::Tick() {
  std::vector<Entry> due;
  {
    const MutexLock lock(mutex_);
    const absl::Duration now = clock_.BootTime();
    absl::erase_if(entries_, [now](const auto& keyed) {
      const Entry& entry = keyed.second;
      return entry.left_out == 0 && now - entry.written >= kEventInterval;
    });
    for (auto& [key, entry] : entries_) {
      if (now - entry.written < kEventInterval) continue;
      due.push_back(std::exchange(entry, {}));
      entry.written = now;
    }
  }
  for (Entry& entry : due) {
    Write(std::move(entry.event), entry.status, entry.left_out - 1);
  }
}

void RefusalLog::Write(AuditDraft event, const absl::Status& status,
                       int64_t left_out) {
  event.outcome = IsFailure(status) ? v1::AuditEvent::OUTCOME_FAILED
                                    : v1::AuditEvent::OUTCOME_REFUSED;
  event.message = std::string(status.message());
  if (left_out > 0) {
    absl::StrAppend(&event.message, " (and ", left_out,
                    left_out == 1 ? " attempt before)" : " attempts before)");
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
