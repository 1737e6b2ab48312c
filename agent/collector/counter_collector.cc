#include "agent/collector/counter_collector.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/collector/counter_parser.h"

namespace ephemera::agent {

CounterCollector::CounterCollector(absl::string_view root)
    : buffer_(std::make_unique<char[]>(kBufferSize)) {
  const std::string folder =
      absl::StrCat(absl::StripSuffix(root, "/"), "/proc/net/");
  files_ = {{
      {folder + "sockstat", &ParseSockstat, {}},
      {folder + "sockstat6", &ParseSockstat, {}},
      {folder + "snmp", &ParseCounterTable, {}},
      {folder + "netstat", &ParseCounterTable, {}},
  }};
}

void CounterCollector::Read(v1::GaugeSample& sample) {
  for (File& file : files_) file.parse(ReadFile(file), sample);
}

absl::string_view CounterCollector::ReadFile(File& file) {
  if (!file.fd.valid()) {
    file.fd = UniqueFd(open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.fd.valid()) return {};
  }
  size_t size = 0;
  while (size < kBufferSize) {
    const ssize_t got = pread(file.fd.get(), buffer_.get() + size,
                              kBufferSize - size, static_cast<off_t>(size));
    if (got == 0) break;
    if (got > 0) {
      size += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      file.fd.Reset();
      return {};
    }
  }
  return absl::string_view(buffer_.get(), size);
}

}  // namespace ephemera::agent
