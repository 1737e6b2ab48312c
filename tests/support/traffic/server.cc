#include "tests/support/traffic/server.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ephemera::traffic {
namespace {

constexpr absl::string_view kResponse =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

// Listeners and connections share one epoll set.
constexpr uint64_t kListenerTag = uint64_t{1} << 32;
constexpr uint64_t kStopTag = uint64_t{1} << 33;

absl::Status Watch(int epoll, int fd, uint64_t tag) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = tag | static_cast<uint32_t>(fd);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    return absl::ErrnoToStatus(errno, "epoll_ctl");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(
    const std::vector<Endpoint>& endpoints, CloseSide close_side) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return absl::ErrnoToStatus(errno, "epoll_create1");
  auto server = absl::WrapUnique(new Server(close_side, std::move(epoll)));
  for (const Endpoint& endpoint : endpoints) {
    if (absl::Status status = server->Listen(endpoint); !status.ok()) {
      return status;
    }
  }
  return server;
}

Server::Server(CloseSide close_side, UniqueFd epoll)
    : close_side_(close_side), epoll_(std::move(epoll)) {}

absl::Status Server::Listen(const Endpoint& endpoint) {
  UniqueFd fd(socket(endpoint.family(),
                     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  const int on = 1;
  if (!fd.valid() ||
      setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd.get(), endpoint.get(), endpoint.length) != 0 ||
      listen(fd.get(), SOMAXCONN) != 0) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("listen on ", endpoint.ToString()));
  }
  Endpoint bound;
  bound.length = sizeof bound.address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound.address),
                  &bound.length) != 0) {
    return absl::ErrnoToStatus(errno, "getsockname");
  }
  endpoints_.push_back(bound);
  absl::Status status = Watch(epoll_.get(), fd.get(), kListenerTag);
  listeners_.push_back(std::move(fd));
  return status;
}

absl::Status Server::Run(int stop_fd) {
  if (absl::Status status = Watch(epoll_.get(), stop_fd, kStopTag);
      !status.ok()) {
    return status;
  }
  std::array<epoll_event, 256> events = {};
  while (true) {
    const int count =
        epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    if (count < 0 && errno != EINTR) {
      return absl::ErrnoToStatus(errno, "epoll_wait");
    }
    for (int i = 0; i < count; ++i) {
      const uint64_t tag = events[i].data.u64;
      if ((tag & kStopTag) != 0) return absl::OkStatus();
      const int fd = static_cast<int>(static_cast<uint32_t>(tag));
      if ((tag & kListenerTag) != 0) {
        Accept(fd);
      } else {
        Serve(fd);
      }
    }
  }
}

void Server::Accept(int listener) {
  while (true) {
    UniqueFd fd(
        accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return;
    if (Watch(epoll_.get(), fd.get(), 0).ok()) fd.Release();
  }
}

void Server::Serve(int connection) {
  std::array<char, 4096> buffer;
  const ssize_t size = recv(connection, buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // Requests of the traffic client are small and arrive whole: each piece that
  // is read is one request.
  if (size > 0 &&
      send(connection, kResponse.data(), kResponse.size(), MSG_NOSIGNAL) > 0 &&
      close_side_ == CloseSide::kClient) {
    return;  // its FIN is read next
  }
  close(connection);
}

}  // namespace ephemera::traffic
