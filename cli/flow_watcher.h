#ifndef EPHEMERA_CLI_FLOW_WATCHER_H_
#define EPHEMERA_CLI_FLOW_WATCHER_H_

#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "ephemera/v1/flow_service.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace ephemera::cli {

// Reads a WatchFlowGroups stream in a thread of its own and opens it again when
// it breaks, after a delay that doubles from 200 ms to 1 s.
//
// Thread-safe. The thread may block on the network, on the delay, and on a
// reader that does not Take(): then the stream is held back, and memory stays
// bounded. The destructor cancels the stream and joins the thread.
class FlowWatcher {
 public:
  struct Event {
    // Either the next answer, or why the stream broke.
    std::optional<v1::ListFlowGroupsResponse> response;
    grpc::Status broken;
  };

  // INTERNAL where the kernel refuses an eventfd.
  static absl::StatusOr<std::unique_ptr<FlowWatcher>> Create(
      const std::shared_ptr<grpc::Channel>& channel,
      const v1::WatchFlowGroupsRequest& request);
  ~FlowWatcher();
  FlowWatcher(const FlowWatcher&) = delete;
  FlowWatcher& operator=(const FlowWatcher&) = delete;

  // Readable when Take() has something; for poll().
  int fd() const { return event_fd_; }

  // Everything since the last call, oldest first. Never blocks.
  std::deque<Event> Take();

 private:
  FlowWatcher(int event_fd, const std::shared_ptr<grpc::Channel>& channel,
              const v1::WatchFlowGroupsRequest& request);

  void Run();
  // One stream from start to end. True where it brought an answer.
  bool ReadStream();
  void Push(Event event);

  const int event_fd_;
  const v1::WatchFlowGroupsRequest request_;
  const std::unique_ptr<v1::FlowService::Stub> stub_;

  Mutex mutex_;
  // Apart, so that a Take() does not cut the delay before a new try short.
  CondVar taken_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  // The stream in progress, to cancel it.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;

  // Last, so that everything above exists when it starts.
  std::thread thread_;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_FLOW_WATCHER_H_
