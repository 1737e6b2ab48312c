#ifndef EPHEMERA_CONTROLLER_IDENTITY_STORED_CALL_H_
#define EPHEMERA_CONTROLLER_IDENTITY_STORED_CALL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace ephemera::controller {

// A unary call that waits for a store, a query thread or an agent: it ends
// once, with the first of an answer, the client's own end, and its deadline
// here. Thread-safe.
class StoredCall : public std::enable_shared_from_this<StoredCall> {
 public:
  // However long the client would wait. Somebody must call Finish() in the end,
  // and keep the object until then.
  static constexpr absl::Duration kLimit = absl::Seconds(10);

  // DEADLINE_EXCEEDED after `limit`, with `late` as the message.
  static std::shared_ptr<StoredCall> Start(grpc::CallbackServerContext& context,
                                           absl::string_view late,
                                           absl::Duration limit = kLimit);

  // What the handler returns. Not to be touched after Finish().
  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

  // Whether an answer would still be one.
  bool HasEnded() {
    const MutexLock lock(mutex_);
    return finished_;
  }
  // Ends the call, unless it has ended. `fill` writes the response; it runs
  // only where the call ends here, with OK, so the response is still there.
  void Finish(const absl::Status& status,
              const std::function<void()>& fill = nullptr);

 private:
  StoredCall(grpc::CallbackServerContext& context, absl::string_view late)
      : reactor_(context.DefaultReactor()), late_(late) {}

  grpc::ServerUnaryReactor* const reactor_;
  const std::string late_;
  grpc::Alarm alarm_;
  Mutex mutex_;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_STORED_CALL_H_
