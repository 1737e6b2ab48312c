#ifndef EPHEMERA_AGENT_COLLECTOR_SYSCTL_COLLECTOR_H_
#define EPHEMERA_AGENT_COLLECTOR_SYSCTL_COLLECTOR_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "agent/collector/gauge_reader.h"

namespace ephemera::agent {

// Reads settings from ROOT/proc/sys. Not thread-safe.
class SysctlCollector final : public SysctlReader {
 public:
  // Every second port reserved, the longest that ip_local_reserved_ports can
  // be, takes 187 KiB. The kernel gives it in one read only (kernel/sysctl.c,
  // proc_do_large_bitmap).
  static constexpr size_t kBufferSize = 256UL * 1024;

  explicit SysctlCollector(absl::string_view root);

  // A key that cannot be read, or is longer than the buffer, is absent.
  v1::SysctlReading Read() override;

 private:
  std::optional<std::string> ReadValue(absl::string_view key);

  const std::string root_;
  const std::unique_ptr<char[]> buffer_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_SYSCTL_COLLECTOR_H_
