#ifndef EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_FILE_H_
#define EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/collector/boundary_filter.h"
#include "agent/collector/socket_collector.h"
#include "common/clock.h"
#include "common/unique_fd.h"

namespace ephemera::agent {

// One walk over /proc/net/tcp or tcp6, socket by socket, in bounded memory.
// Lines that are not understood are skipped and counted, as long as there are
// others: a format that some kernel changed must not pass for a host without
// sockets. Not thread-safe. `clock` must outlive it.
class ProcNetTcpFile {
 public:
  // The kernel fills a page per read.
  static constexpr size_t kBufferSize = 16UL * 1024;

  ProcNetTcpFile(const Clock& clock, std::string path);

  // Begins a walk. NOT_FOUND where there is no such file, else what the system
  // reports.
  absl::Status Open();

  // The next socket, repeats left out. False at the end of the file.
  // UNAVAILABLE where reading failed, INTERNAL at the end of a file that has
  // lines but none that is understood. REQUIRES: Open() was OK.
  absl::StatusOr<bool> Next(SocketRecord& record);

  // Lines skipped in all walks.
  uint64_t malformed_lines() const { return malformed_lines_; }

 private:
  // The next line, without its break. False at the end.
  absl::StatusOr<bool> NextLine(absl::string_view& line);
  // Reads on. False at the end.
  absl::StatusOr<bool> Fill();

  const Clock& clock_;
  const std::string path_;
  UniqueFd fd_;
  std::vector<char> buffer_;
  // The unread part of the buffer.
  size_t begin_ = 0;
  size_t end_ = 0;
  // Within a line longer than the buffer.
  bool oversized_ = false;
  int64_t read_time_us_ = 0;
  BoundaryFilter filter_;
  bool understood_any_ = false;
  uint64_t malformed_before_walk_ = 0;
  uint64_t malformed_lines_ = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_FILE_H_
