#ifndef EPHEMERA_CONTROLLER_QUERY_FLOW_FILTER_H_
#define EPHEMERA_CONTROLLER_QUERY_FLOW_FILTER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/store/records.h"
#include "ephemera/v1/flow_service.pb.h"

namespace ephemera::controller {

// A FlowFilter after validation.
struct FlowQuestion {
  std::string agent;  // without "agents/"; empty means any
  FlowSelector selector;
};

// INVALID_ARGUMENT "filter.FIELD: VALUE is ...". Addresses become canonical.
absl::StatusOr<FlowQuestion> ParseFlowFilter(const v1::FlowFilter& filter);

// The NAME of "agents/NAME". INVALID_ARGUMENT "FIELD: ...".
absl::StatusOr<std::string> ParseAgentField(absl::string_view field,
                                            absl::string_view resource);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_FLOW_FILTER_H_
