#include "controller/query/agent_renewal.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/identity.h"
#include "common/proto_time.h"
#include "common/resource_name.h"
#include "controller/identity/caller.h"
#include "controller/identity/stored_call.h"
#include "controller/query/flow_filter.h"

namespace ephemera::controller {
namespace {

// What the caller is to hear of an agent's word.
absl::Status ToStatus(absl::string_view agent,
                      const v1::CommandResult& result) {
  if (result.outcome() == v1::CommandResult::OUTCOME_OK) {
    return absl::OkStatus();
  }
  const absl::string_view verb =
      result.outcome() == v1::CommandResult::OUTCOME_REFUSED
          ? " refused: "
          : " could not do it: ";
  return absl::FailedPreconditionError(
      absl::StrCat(AgentResourceName(agent), verb, result.message()));
}

}  // namespace

grpc::ServerUnaryReactor* AgentRenewal::Renew(
    grpc::CallbackServerContext& context,
    const v1::RenewAgentCertificateRequest& request,
    v1::RenewAgentCertificateResponse& response) {
  const std::shared_ptr<StoredCall> call = StoredCall::Start(
      context,
      "the agent has not answered in time; it may still renew its certificate");
  grpc::ServerUnaryReactor* const reactor = call->reactor();
  const absl::StatusOr<std::string> agent =
      ParseAgentField("name", request.name());
  if (!agent.ok()) {
    call->Finish(agent.status());
    return reactor;
  }
  if (const auto known = registry_.Find(*agent); !known.ok()) {
    call->Finish(known.status());
    return reactor;
  }
  v1::Command command;
  command.mutable_renew_certificate();
  commands_.Send(
      *agent, std::move(command), StoredCall::kLimit,
      DraftFor(context, "agent.renew-certificate", request.name()),
      [this, call, agent = *agent,
       &response](const absl::StatusOr<v1::CommandResult>& result) {
        if (!result.ok()) {
          call->Finish(result.status());
          return;
        }
        absl::Status status = ToStatus(agent, *result);
        const std::optional<absl::Time> expiry = identities_.CertificateExpiry(
            {Identity::Kind::kAgent, agent}, clock_.Now());
        if (status.ok() && !expiry.has_value()) {
          status = absl::FailedPreconditionError(
              absl::StrCat(AgentResourceName(agent),
                           " has no valid certificate, though it says so"));
        }
        call->Finish(status, [&response, expiry] {
          *response.mutable_certificate_expire_time() = ToProto(*expiry);
        });
      });
  return reactor;
}

}  // namespace ephemera::controller
