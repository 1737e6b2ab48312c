#include "tests/support/traffic/client.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/clock.h"

namespace ephemera::traffic {
namespace {

constexpr absl::string_view kRequest =
    "POST / HTTP/1.1\r\nHost: ephemera\r\nContent-Length: 4\r\n"
    "Connection: close\r\n\r\nping";

// How long the last connections may take after the last slot.
constexpr absl::Duration kGrace = absl::Seconds(10);

// Slots begun between two looks at the sockets.
constexpr int kBurst = 16;

uint64_t StageSlots(double rate, absl::Duration length) {
  return static_cast<uint64_t>(
      std::llround(rate * absl::ToDoubleSeconds(length)));
}

// Whether `response` holds the header and the whole body that it announces.
bool IsComplete(absl::string_view response) {
  const size_t header_end = response.find("\r\n\r\n");
  if (header_end == absl::string_view::npos) return false;
  constexpr absl::string_view kField = "Content-Length: ";
  const size_t field = response.find(kField);
  if (field == absl::string_view::npos || field > header_end) return false;
  absl::string_view value = response.substr(field + kField.size());
  uint64_t length = 0;
  return absl::SimpleAtoi(value.substr(0, value.find('\r')), &length) &&
         response.size() >= header_end + 4 + length;
}

}  // namespace

std::string Report::ToJson() const {
  const std::string error_fields =
      absl::StrJoin(errors, ", ", [](std::string* out, const auto& error) {
        absl::StrAppend(out, "\"", error.first, "\": ", error.second);
      });
  return absl::StrCat("{\"slots\": ", slots, ", \"succeeded\": ", succeeded,
                      ", \"failed\": ", failed, ", \"abandoned\": ", abandoned,
                      ", \"latest_ms\": ", absl::ToInt64Milliseconds(latest),
                      ", \"errors\": {", error_fields,
                      "}, \"first_second\": ", first_second, ", \"closes\": [",
                      absl::StrJoin(closes, ", "), "]}\n");
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(Plan plan) {
  if (plan.destinations.empty() || plan.rates.empty()) {
    return absl::InvalidArgumentError("no destination or no rate");
  }
  for (const double rate : plan.rates) {
    if (!(rate > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("a rate of ", rate, " is not positive"));
    }
  }
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return absl::ErrnoToStatus(errno, "epoll_create1");
  return absl::WrapUnique(new Client(std::move(plan), std::move(epoll)));
}

Client::Client(Plan plan, UniqueFd epoll)
    : plan_(std::move(plan)), epoll_(std::move(epoll)) {
  for (const double rate : plan_.rates) {
    slots_ += StageSlots(rate, plan_.stage_length);
  }
}

absl::Duration Client::DueTime(uint64_t slot) const {
  absl::Duration start;
  for (const double rate : plan_.rates) {
    const uint64_t slots = StageSlots(rate, plan_.stage_length);
    if (slot < slots) {
      return start + absl::Seconds(static_cast<double>(slot) / rate);
    }
    slot -= slots;
    start += plan_.stage_length;
  }
  return start;
}

Report Client::Run() {
  const SystemClock clock;
  const absl::Duration start = clock.BootTime();
  const absl::Duration length =
      plan_.stage_length * static_cast<int64_t>(plan_.rates.size());
  const absl::Duration give_up = start + 2 * length + kGrace;
  report_ = Report();
  report_.slots = slots_;
  report_.first_second = absl::ToInt64Seconds(start);

  uint64_t next = 0;
  std::vector<epoll_event> events(256);
  while (true) {
    absl::Duration now = clock.BootTime();
    int begun = 0;
    while (next < slots_ && begun < kBurst && now < give_up) {
      const absl::Duration due = start + DueTime(next);
      if (due > now) break;
      report_.latest = std::max(report_.latest, now - due);
      Begin(next++);
      ++begun;
      now = clock.BootTime();
    }
    if (now >= give_up) break;
    if (next == slots_ && open_ == 0) break;
    absl::Duration wait = absl::Milliseconds(100);
    if (next < slots_) {
      wait =
          std::clamp(start + DueTime(next) - now, absl::ZeroDuration(), wait);
    }
    const int timeout = static_cast<int>(
        absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
    const int count = epoll_wait(epoll_.get(), events.data(),
                                 static_cast<int>(events.size()), timeout);
    for (int i = 0; i < count; ++i) OnEvent(events[i].data.fd);
  }

  report_.abandoned = slots_ - next;
  for (size_t fd = 0; fd < connections_.size(); ++fd) {
    if (connections_[fd].fd.valid()) Fail(static_cast<int>(fd), ETIMEDOUT);
  }
  return report_;
}

void Client::Begin(uint64_t slot) {
  const Endpoint& to = plan_.destinations[slot % plan_.destinations.size()];
  UniqueFd fd(socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     IPPROTO_TCP));
  if (!fd.valid() ||
      (connect(fd.get(), to.get(), to.length) != 0 && errno != EINPROGRESS)) {
    Fail(-1, errno);
    return;
  }
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.fd = fd.get();
  const size_t index = static_cast<size_t>(fd.get());
  if (index >= connections_.size()) connections_.resize(index + 1);
  connections_[index] = {.fd = std::move(fd),
                         .sent = false,
                         .answered = false,
                         .response = std::string()};
  ++open_;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event.data.fd, &event) != 0) {
    Fail(event.data.fd, errno);
  }
}

void Client::OnEvent(int fd) {
  Connection& connection = connections_[static_cast<size_t>(fd)];
  if (!connection.fd.valid()) return;
  if (!connection.sent && !SendRequest(connection)) return;
  ReadResponse(connection);
}

bool Client::SendRequest(Connection& connection) {
  const int fd = connection.fd.get();
  const ssize_t size = send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
  if (size == static_cast<ssize_t>(kRequest.size())) {
    connection.sent = true;
    return true;
  }
  // ENOTCONN: the event is older than this socket, the handshake goes on.
  if (size < 0 && (errno == EAGAIN || errno == ENOTCONN)) return false;
  Fail(fd, size < 0 ? errno : EMSGSIZE);
  return false;
}

void Client::ReadResponse(Connection& connection) {
  const int fd = connection.fd.get();
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0) {
      if (errno == EAGAIN) return;
      Fail(fd, errno);
      return;
    }
    if (size > 0) {
      connection.response.append(buffer.data(), static_cast<size_t>(size));
      connection.answered = IsComplete(connection.response);
    }
    if (size == 0 && !connection.answered) {
      Fail(fd, ECONNRESET);
      return;
    }
    if (connection.answered &&
        (size == 0 || plan_.close_side == CloseSide::kClient)) {
      Finish(fd);
      CountClose();
      return;
    }
  }
}

void Client::CountClose() {
  const int64_t second = absl::ToInt64Seconds(SystemClock().BootTime());
  const auto index = static_cast<size_t>(second - report_.first_second);
  if (index >= report_.closes.size()) report_.closes.resize(index + 1);
  ++report_.closes[index];
  ++report_.succeeded;
}

void Client::Fail(int fd, int error) {
  ++report_.failed;
  const char* name = strerrorname_np(error);
  ++report_.errors[name != nullptr ? name : absl::StrCat("errno", error)];
  if (fd >= 0) Finish(fd);
}

void Client::Finish(int fd) {
  connections_[static_cast<size_t>(fd)].fd.Reset();
  --open_;
}

}  // namespace ephemera::traffic
