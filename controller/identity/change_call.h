#ifndef EPHEMERA_CONTROLLER_IDENTITY_CHANGE_CALL_H_
#define EPHEMERA_CONTROLLER_IDENTITY_CHANGE_CALL_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/identity/caller.h"
#include "controller/identity/refusal_log.h"
#include "controller/identity/stored_call.h"

namespace ephemera::controller {

// A unary call that changes something in the store, which audits it. What does
// not come about is noted here. Thread-safe.
class ChangeCall {
 public:
  // `action` and `object` are for the audit event.
  ChangeCall(grpc::CallbackServerContext& context, RefusalLog& refusals,
             absl::string_view action, absl::string_view object)
      : call_(StoredCall::Start(
            context,
            "the change is not on disk yet: it may still come about; look "
            "before you try again")),
        refusals_(refusals),
        event_(DraftFor(context, action, object)) {}

  grpc::ServerUnaryReactor* reactor() const { return call_->reactor(); }
  // What the store's event begins with.
  const AuditDraft& event() const { return event_; }

  // Ends the call with an error.
  void Refuse(const absl::Status& status) const {
    refusals_.Note(event_, status);
    call_->Finish(status);
  }

  // Ends the call as the store says. `fill` writes the response.
  template <typename Result>
  std::function<void(absl::StatusOr<Result>)> OnStored(
      std::function<void(const Result&)> fill) const {
    return [call = *this,
            fill = std::move(fill)](const absl::StatusOr<Result>& result) {
      if (!result.ok()) return call.Refuse(Shown(result.status()));
      call.call_->Finish(absl::OkStatus(), [&] { fill(*result); });
    };
  }
  std::function<void(absl::Status)> OnStored(std::function<void()> fill) const {
    return [call = *this, fill = std::move(fill)](const absl::Status& status) {
      if (!status.ok()) return call.Refuse(Shown(status));
      call.call_->Finish(absl::OkStatus(), fill);
    };
  }

 private:
  // A store cancels only when it closes.
  static absl::Status Shown(const absl::Status& status) {
    return absl::IsCancelled(status)
               ? absl::UnavailableError("the controller is shutting down")
               : status;
  }

  std::shared_ptr<StoredCall> call_;
  RefusalLog& refusals_;
  AuditDraft event_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_CHANGE_CALL_H_
