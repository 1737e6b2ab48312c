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
  // The longest that ip_local_reserved_ports can be is "1-2,4-5,7-8,...", which
  // takes 254,735 bytes. The kernel gives it in one read only (kernel/sysctl.c,
  // proc_do_large_bitmap).
  static constexpr size_t kBufferSize = 256UL * 1024;

  explicit SysctlCollector(absl::string_view root);

  // Absent are keys that cannot be read, and values that are not plain text or
  // do not fit: into the buffer those of ip_local_reserved_ports, all others
  // into 4 KiB.
  v1::SysctlReading Read() override;

 private:
  std::optional<std::string> ReadValue(absl::string_view key);

  const std::string root_;
  const std::unique_ptr<char[]> buffer_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_SYSCTL_COLLECTOR_H_
