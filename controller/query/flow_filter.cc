#include "controller/query/flow_filter.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ip_address.h"
#include "common/resource_name.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {

absl::StatusOr<std::string> ParseAgentField(absl::string_view field,
                                            absl::string_view resource) {
  absl::StatusOr<std::string> name = ParseAgentResourceName(resource);
  if (!name.ok()) return FieldError(field, name.status().message());
  return name;
}

absl::StatusOr<FlowQuestion> ParseFlowFilter(const v1::FlowFilter& filter) {
  FlowQuestion question;
  if (!filter.agent().empty()) {
    absl::StatusOr<std::string> agent =
        ParseAgentField("filter.agent", filter.agent());
    if (!agent.ok()) return agent.status();
    question.agent = *std::move(agent);
  }
  if (absl::Status status = CheckAtMost("filter.port", filter.port(), 65535);
      !status.ok()) {
    return status;
  }
  question.selector.port = filter.port();
  if (!filter.remote_address().empty()) {
    const absl::StatusOr<IpAddress> address =
        IpAddress::Parse(filter.remote_address());
    if (!address.ok()) {
      return FieldError("filter.remote_address",
                        absl::StrCat(Quoted(filter.remote_address()),
                                     " is not an IP address"));
    }
    question.selector.remote_address = address->ToString();
  }
  if (!v1::Direction_IsValid(filter.direction())) {
    return FieldError(
        "filter.direction",
        absl::StrCat(int{filter.direction()}, " is not a known direction"));
  }
  question.selector.direction = filter.direction();
  if (absl::Status status =
          CheckBetween("filter.group_id", filter.group_id(), 0,
                       std::numeric_limits<int64_t>::max());
      !status.ok()) {
    return status;
  }
  question.selector.group_id = filter.group_id();
  return question;
}

}  // namespace ephemera::controller
