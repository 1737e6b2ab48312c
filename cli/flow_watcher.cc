#include "cli/flow_watcher.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/connection.h"
#include "common/request_id.h"

namespace ephemera::cli {
namespace {

constexpr size_t kMaxWaitingEvents = 16;
constexpr absl::Duration kFirstDelay = absl::Milliseconds(200);
constexpr absl::Duration kLongestDelay = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<FlowWatcher>> FlowWatcher::Create(
    const std::shared_ptr<grpc::Channel>& channel,
    const v1::WatchFlowGroupsRequest& request) {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    return absl::InternalError(absl::ErrnoToStatus(errno, "eventfd").message());
  }
  return std::unique_ptr<FlowWatcher>(new FlowWatcher(fd, channel, request));
}

FlowWatcher::FlowWatcher(int event_fd,
                         const std::shared_ptr<grpc::Channel>& channel,
                         const v1::WatchFlowGroupsRequest& request)
    : event_fd_(event_fd),
      request_(request),
      stub_(v1::FlowService::NewStub(channel)),
      thread_([this] { Run(); }) {}

FlowWatcher::~FlowWatcher() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
    taken_.SignalAll();
    stopped_.SignalAll();
  }
  thread_.join();
  close(event_fd_);
}

std::deque<FlowWatcher::Event> FlowWatcher::Take() {
  const MutexLock lock(mutex_);
  eventfd_t count = 0;
  eventfd_read(event_fd_, &count);
  taken_.SignalAll();
  return std::exchange(events_, {});
}

void FlowWatcher::Push(Event event) {
  const MutexLock lock(mutex_);
  while (!stopping_ && events_.size() >= kMaxWaitingEvents) {
    taken_.Wait(mutex_);
  }
  if (stopping_) return;
  events_.push_back(std::move(event));
  eventfd_write(event_fd_, 1);
}

bool FlowWatcher::ReadStream() {
  grpc::ClientContext context;
  AddRequestId(context);
  {
    const MutexLock lock(mutex_);
    if (stopping_) return false;
    context_ = &context;
  }
  const auto reader = stub_->WatchFlowGroups(&context, request_);
  bool answered = false;
  v1::ListFlowGroupsResponse response;
  while (reader->Read(&response)) {
    answered = true;
    Push({.response = std::move(response), .broken = {}});
    response.Clear();
  }
  grpc::Status status = reader->Finish();
  {
    const MutexLock lock(mutex_);
    context_ = nullptr;
  }
  // A controller that shuts down may end the stream without an error.
  if (status.ok()) {
    status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream ended");
  }
  Push({.response = std::nullopt, .broken = status});
  return answered;
}

void FlowWatcher::Run() {
  absl::Duration delay = kFirstDelay;
  while (true) {
    delay = ReadStream() ? kFirstDelay : std::min(delay * 2, kLongestDelay);
    const MutexLock lock(mutex_);
    // A spurious wake only makes the next try earlier.
    if (!stopping_) stopped_.WaitFor(mutex_, delay);
    if (stopping_) return;
  }
}

}  // namespace ephemera::cli
