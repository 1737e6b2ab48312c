#ifndef EPHEMERA_COMMON_LOG_H_
#define EPHEMERA_COMMON_LOG_H_

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace ephemera {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning" or "error"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text);

// Lines below this level are not written. Set once, at start. Default kInfo.
void SetLogLevel(LogLevel level);

// Whether lines of this level are written.
bool IsLogged(LogLevel level);

// Writes one line to standard error: time in UTC, level, text. Line breaks and
// control characters in `text` are escaped, so that text from elsewhere cannot
// forge a line. Thread-safe.
void WriteLog(LogLevel level, absl::string_view text);

// Lines that are not written are not formatted either.
template <typename... Args>
void Log(LogLevel level, const absl::FormatSpec<Args...>& format,
         const Args&... args) {
  if (IsLogged(level)) WriteLog(level, absl::StrFormat(format, args...));
}
template <typename... Args>
void LogDebug(const absl::FormatSpec<Args...>& format, const Args&... args) {
  Log(LogLevel::kDebug, format, args...);
}
template <typename... Args>
void LogInfo(const absl::FormatSpec<Args...>& format, const Args&... args) {
  Log(LogLevel::kInfo, format, args...);
}
template <typename... Args>
void LogWarning(const absl::FormatSpec<Args...>& format, const Args&... args) {
  Log(LogLevel::kWarning, format, args...);
}
template <typename... Args>
void LogError(const absl::FormatSpec<Args...>& format, const Args&... args) {
  Log(LogLevel::kError, format, args...);
}

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_LOG_H_
