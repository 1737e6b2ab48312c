#ifndef EPHEMERA_CLI_FLOW_VIEW_H_
#define EPHEMERA_CLI_FLOW_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "cli/text.h"
#include "ephemera/v1/flow_service.pb.h"

namespace ephemera::cli {

// Flow groups as text. Pure functions.

// A pool is past its knee from half full on (common/port_budget.h), and close
// to exhaustion from here on.
inline constexpr double kKneeFill = 0.5;
inline constexpr double kCriticalFill = 0.9;

// How a pool of this fill is coloured.
Color FillColor(double fill);

// What `top` shows, as lines that fit `style.width`. With `port` (of
// PlainPort()) not 0 a summary comes first: the sockets of that port per host
// and in sum, as netstat would count them. `height` (0: no bound) is never
// exceeded. Groups that do not fit, or that match and are not in the response,
// are counted in the last line.
std::vector<std::string> RenderFlowGroups(
    const v1::ListFlowGroupsResponse& response, uint32_t port,
    const TextStyle& style, size_t height);

// Matching groups that are not in the response.
int64_t GroupsLeftOut(const v1::ListFlowGroupsResponse& response);

void WriteFlowCsvHeader(std::ostream& out);
// One row per flow group.
void WriteFlowCsvRows(const v1::ListFlowGroupsResponse& response,
                      std::ostream& out);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_FLOW_VIEW_H_
