#ifndef EPHEMERA_AGENT_COLLECTOR_COUNTER_COLLECTOR_H_
#define EPHEMERA_AGENT_COLLECTOR_COUNTER_COLLECTOR_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "agent/collector/gauge_reader.h"
#include "common/unique_fd.h"

namespace ephemera::agent {

// Reads sockstat, sockstat6, snmp and netstat of ROOT/proc/net. The files stay
// open: the kernel makes their text anew whenever it is read from offset 0, and
// opening them costs about as much as reading them. They show the network
// namespace that the process was in at the first reading. Not thread-safe.
class CounterCollector final : public GaugeReader {
 public:
  // netstat, the longest, has about 4 KiB. What lies beyond is absent.
  static constexpr size_t kBufferSize = 64UL * 1024;

  explicit CounterCollector(absl::string_view root);

  // A file that cannot be read leaves its fields absent; it is opened again at
  // the next reading.
  void Read(v1::GaugeSample& sample) override;

 private:
  struct File {
    std::string path;
    void (*parse)(absl::string_view text, v1::GaugeSample& sample);
    UniqueFd fd;
  };

  // The whole text, valid until the next call; empty on failure.
  absl::string_view ReadFile(File& file);

  std::array<File, 4> files_;
  const std::unique_ptr<char[]> buffer_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_COUNTER_COLLECTOR_H_
