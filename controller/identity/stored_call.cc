#include "controller/identity/stored_call.h"

#include "common/grpc_status.h"

namespace ephemera::controller {

std::shared_ptr<StoredCall> StoredCall::Start(
    grpc::CallbackServerContext& context, absl::string_view late,
    absl::Duration limit) {
  std::shared_ptr<StoredCall> call(new StoredCall(context, late));
  // Weak: the alarm is a member of the call. Whoever is to answer keeps it.
  call->alarm_.Set(
      gpr_time_add(
          gpr_now(GPR_CLOCK_MONOTONIC),
          gpr_time_from_micros(absl::ToInt64Microseconds(limit), GPR_TIMESPAN)),
      [weak = std::weak_ptr<StoredCall>(call)](bool expired) {
        const std::shared_ptr<StoredCall> alive = weak.lock();
        if (!expired || alive == nullptr) return;
        alive->Finish(absl::DeadlineExceededError(alive->late_));
      });
  return call;
}

void StoredCall::Finish(const absl::Status& status,
                        const std::function<void()>& fill) {
  {
    const MutexLock lock(mutex_);
    if (finished_) return;
    finished_ = true;
  }
  // From here on nobody else touches the call.
  if (status.ok() && fill != nullptr) fill();
  reactor_->Finish(ToGrpcStatus(status));
  alarm_.Cancel();
}

}  // namespace ephemera::controller
