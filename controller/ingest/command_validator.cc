#include "controller/ingest/command_validator.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
namespace {

// What an agent says is one line that people read.
constexpr size_t kMaxReasonBytes = 512;
constexpr size_t kMaxCommandIdBytes = 64;
constexpr size_t kMaxBootIdLength = 64;

absl::Status CheckStanding(const v1::AuditStanding& standing) {
  return Under("standing",
               CheckText("mismatch", standing.mismatch(), kMaxReasonBytes));
}

absl::Status CheckResult(const v1::CommandResult& result) {
  const absl::Status checks[] = {
      CheckText("id", result.id(), kMaxCommandIdBytes),
      CheckText("message", result.message(), kMaxReasonBytes),
  };
  for (const absl::Status& status : checks) {
    if (!status.ok()) return status;
  }
  if (result.outcome() == v1::CommandResult::OUTCOME_UNSPECIFIED ||
      !v1::CommandResult::Outcome_IsValid(result.outcome())) {
    return FieldError("outcome", absl::StrCat(int{result.outcome()},
                                              " is not a known outcome"));
  }
  return absl::OkStatus();
}

absl::Status CheckAgent(const std::string& agent) {
  const absl::Status status = ParseAgentResourceName(agent).status();
  return status.ok() ? status : FieldError("agent", status.message());
}

}  // namespace

absl::Status ValidateCommandHello(const v1::StreamCommandsRequest& request) {
  if (!request.has_hello()) {
    return FieldError("request", "the first message must be a hello");
  }
  const v1::CommandHello& hello = request.hello();
  const absl::Status checks[] = {
      CheckAgent(hello.agent()),
      CheckToken("boot_id", hello.boot_id(), kMaxBootIdLength, "-"),
      CheckStanding(hello.standing()),
  };
  for (const absl::Status& status : checks) {
    if (!status.ok()) return Under("hello", status);
  }
  return absl::OkStatus();
}

absl::Status ValidateCommandAnswer(const v1::StreamCommandsRequest& request) {
  if (request.has_result()) {
    return Under("result", CheckResult(request.result()));
  }
  if (request.has_standing()) return CheckStanding(request.standing());
  return FieldError(
      "request",
      "every message after the hello must be a result or a standing");
}

}  // namespace ephemera::controller
