#ifndef EPHEMERA_CLI_FLOW_SELECTOR_H_
#define EPHEMERA_CLI_FLOW_SELECTOR_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/command.h"
#include "ephemera/v1/flow_service.pb.h"

namespace ephemera::cli {

// The flags that choose flow groups, as typed.
struct FlowSelector {
  std::string agent;
  uint32_t port = 0;
  std::string to;
  std::string direction;
  int64_t group = 0;

  // Whether it chooses among an agent's flow groups at all.
  bool ChoosesFlows() const {
    return port != 0 || !to.empty() || group != 0 || !direction.empty();
  }
};

// Adds --port, --to and --direction; all but a malformed agent name is checked
// while the command line is parsed.
void AddFlowFlags(CLI::App& command, FlowSelector& selector);

// What the controller understands. INVALID_ARGUMENT where the agent's name
// cannot be one.
absl::StatusOr<v1::FlowFilter> MakeFilter(const FlowSelector& selector);

// "agents/NAME" of "NAME" or "agents/NAME". INVALID_ARGUMENT as above.
absl::StatusOr<std::string> AgentResource(absl::string_view typed);
// "NAME" of "agents/NAME", whatever NAME holds.
std::string AgentShortName(absl::string_view resource);

// The port that `filter` asks for and nothing else; 0 where it asks for more,
// or for no port. Agents may be chosen as well. Such a question is netstat's:
// its totals count listeners too.
uint32_t PlainPort(const v1::FlowFilter& filter);

// What the selection is called in titles: "port 5774", "10.0.0.2:5774".
std::string DescribeSelection(const FlowSelector& selector);

// "10.0.0.1 -> 10.0.0.2:5774" for an outbound group, "10.0.0.2:80 <- 10.0.0.1"
// for an inbound one, "(other remotes)" and "(all other)" for remainders.
std::string FlowText(const v1::FlowKey& key);
// The same without what is most likely known: the local address.
std::string ShortFlowText(const v1::FlowKey& key);
// Characters at the end of both that a cut is to spare: the service port, and
// what tells IPv6 addresses of one network apart. 0 where the port is in front.
size_t TailLength(const v1::FlowKey& key);
// "out", "in", "?", and "" for the remainder of everything else.
std::string DirectionText(v1::Direction direction);
// "outbound", "inbound", "unknown" or "".
std::string DirectionName(v1::Direction direction);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_FLOW_SELECTOR_H_
