#include "agent/collector/proc_net_tcp_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/collector/proc_net_tcp_parser.h"

namespace ephemera::agent {

ProcNetTcpFile::ProcNetTcpFile(const Clock& clock, std::string path)
    : clock_(clock), path_(std::move(path)), buffer_(kBufferSize) {}

absl::Status ProcNetTcpFile::Open() {
  fd_ = UniqueFd(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd_.valid()) return absl::ErrnoToStatus(errno, path_);
  begin_ = end_ = 0;
  oversized_ = false;
  filter_ = BoundaryFilter();
  understood_any_ = false;
  malformed_before_walk_ = malformed_lines_;
  // The first line holds the names of the columns.
  absl::string_view heading;
  return NextLine(heading).status();
}

absl::StatusOr<bool> ProcNetTcpFile::Next(SocketRecord& record) {
  for (;;) {
    absl::string_view text;
    absl::StatusOr<bool> more = NextLine(text);
    if (!more.ok()) return more;
    if (!*more) {
      const uint64_t malformed = malformed_lines_ - malformed_before_walk_;
      if (understood_any_ || malformed == 0) return false;
      return absl::InternalError(absl::StrCat(
          path_, ": none of its lines is understood, ", malformed, " in all"));
    }
    const std::optional<ProcNetTcpLine> line = ParseProcNetTcpLine(text);
    if (!line.has_value()) {
      ++malformed_lines_;
      continue;
    }
    understood_any_ = true;
    record = line->record;
    record.read_time_us = read_time_us_;
    const uint64_t identity =
        record.state == TcpState::kListen ? line->inode : 0;
    if (!filter_.IsRepeat(record, identity)) return true;
  }
}

absl::StatusOr<bool> ProcNetTcpFile::NextLine(absl::string_view& line) {
  for (;;) {
    const absl::string_view unread(buffer_.data() + begin_, end_ - begin_);
    const size_t length = unread.find('\n');
    if (length != absl::string_view::npos) {
      begin_ += length + 1;
      if (std::exchange(oversized_, false)) continue;
      line = unread.substr(0, length);
      return true;
    }
    if (unread.size() == buffer_.size()) {
      if (!std::exchange(oversized_, true)) ++malformed_lines_;
      begin_ = end_ = 0;
    }
    absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more;
    if (!*more) {
      // The kernel ends every line.
      if (begin_ != end_ && !oversized_) ++malformed_lines_;
      begin_ = end_ = 0;
      return false;
    }
  }
}

absl::StatusOr<bool> ProcNetTcpFile::Fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
  ssize_t size = 0;
  do {
    size = read(fd_.get(), buffer_.data() + end_, buffer_.size() - end_);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
  }
  read_time_us_ = absl::ToInt64Microseconds(clock_.BootTime());
  end_ += static_cast<size_t>(size);
  filter_.BeginChunk();
  return size > 0;
}

}  // namespace ephemera::agent
