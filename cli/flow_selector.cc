#include "cli/flow_selector.h"

#include <utility>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/ip_address.h"
#include "common/quoted.h"
#include "common/resource_name.h"

namespace ephemera::cli {
namespace {

constexpr absl::string_view kAgents = "agents/";
constexpr absl::string_view kOtherRemotes = "(other remotes)";
constexpr absl::string_view kOthers = "(others)";
constexpr absl::string_view kAllOther = "(all other)";

// "10.0.0.2:5774", "[2001:db8::1]:5774", or an address alone (port 0).
absl::StatusOr<std::pair<std::string, uint32_t>> ParseRemote(
    absl::string_view text) {
  const absl::Status error = absl::InvalidArgumentError(
      absl::StrCat(Quoted(text),
                   " is no remote end; write 10.0.0.2:5774 or "
                   "[2001:db8::1]:5774"));
  uint32_t port = 0;
  absl::string_view host = text;
  const size_t colon = text.rfind(':');
  const bool bare = IpAddress::Parse(text).ok();
  if (!bare && colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 ||
        port > UINT16_MAX) {
      return error;
    }
  }
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) {
    return error;
  }
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(host);
  if (!address.ok()) return error;
  return std::make_pair(address->ToString(), port);
}

v1::Direction ParseDirection(absl::string_view text) {
  if (text == "outbound") return v1::DIRECTION_OUTBOUND;
  if (text == "inbound") return v1::DIRECTION_INBOUND;
  if (text == "unknown") return v1::DIRECTION_UNKNOWN;
  return v1::DIRECTION_UNSPECIFIED;
}

}  // namespace

void AddFlowFlags(CLI::App& command, FlowSelector& selector) {
  CLI::Option* port =
      command
          .add_option("--port", selector.port,
                      "Only this service port: remote of outbound, local of "
                      "inbound flows; alone, it counts listeners too, as "
                      "netstat does")
          ->check(CLI::Range(1, 65535))
          ->option_text("PORT");
  const auto check_remote = [](const std::string& text) -> std::string {
    const auto parsed = ParseRemote(text);
    return parsed.ok() ? "" : std::string(parsed.status().message());
  };
  command
      .add_option("--to", selector.to,
                  "Only flows that this host opened to this remote end")
      ->check(CLI::Validator(check_remote, ""))
      ->excludes(port)
      ->option_text("IP:PORT");
  command
      .add_option("--direction", selector.direction,
                  "Only flows of this direction")
      ->check(CLI::IsMember({"inbound", "outbound", "unknown"}))
      ->option_text("inbound|outbound|unknown");
}

absl::StatusOr<v1::FlowFilter> MakeFilter(const FlowSelector& selector) {
  v1::FlowFilter filter;
  if (!selector.agent.empty()) {
    absl::StatusOr<std::string> agent = AgentResource(selector.agent);
    if (!agent.ok()) return agent.status();
    filter.set_agent(*std::move(agent));
  }
  filter.set_port(selector.port);
  filter.set_direction(ParseDirection(selector.direction));
  filter.set_group_id(selector.group);
  if (!selector.to.empty()) {
    auto remote = ParseRemote(selector.to);
    if (!remote.ok()) return remote.status();
    filter.set_remote_address(remote->first);
    filter.set_port(remote->second);
    if (selector.direction.empty()) {
      filter.set_direction(v1::DIRECTION_OUTBOUND);
    }
  }
  return filter;
}

absl::StatusOr<std::string> AgentResource(absl::string_view typed) {
  const absl::string_view name = absl::StripPrefix(typed, kAgents);
  if (const absl::Status status = CheckAgentName(name); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        status.message(), "; 'ephemera agents list' shows the agents"));
  }
  return AgentResourceName(name);
}

std::string AgentShortName(absl::string_view resource) {
  return std::string(absl::StripPrefix(resource, kAgents));
}

uint32_t PlainPort(const v1::FlowFilter& filter) {
  const bool plain = filter.remote_address().empty() &&
                     filter.direction() == v1::DIRECTION_UNSPECIFIED &&
                     filter.group_id() == 0;
  return plain ? filter.port() : 0;
}

std::string DescribeSelection(const FlowSelector& selector) {
  std::string text = "all flows";
  if (selector.port != 0) text = absl::StrCat("port ", selector.port);
  if (!selector.to.empty()) text = selector.to;
  if (selector.group != 0) text = absl::StrCat("group ", selector.group);
  if (!selector.direction.empty()) {
    absl::StrAppend(&text, ", ", selector.direction);
  }
  return text;
}

namespace {

std::string TextOf(const v1::FlowKey& key, absl::string_view other_remotes) {
  if (key.direction() == v1::DIRECTION_UNSPECIFIED) {
    return std::string(kAllOther);
  }
  const bool remainder = key.remote_address().empty();
  if (key.direction() == v1::DIRECTION_OUTBOUND) {
    return remainder
               ? absl::StrCat("-> ", other_remotes, ":", key.service_port())
               : absl::StrCat(
                     key.local_address(), " -> ",
                     FormatEndpoint(key.remote_address(), key.service_port()));
  }
  const absl::string_view arrow =
      key.direction() == v1::DIRECTION_INBOUND ? " <- " : " -- ";
  return remainder ? absl::StrCat(":", key.service_port(), arrow, other_remotes)
                   : absl::StrCat(FormatEndpoint(key.local_address(),
                                                 key.service_port()),
                                  arrow, key.remote_address());
}

}  // namespace

std::string FlowText(const v1::FlowKey& key) {
  return TextOf(key, kOtherRemotes);
}

std::string ShortFlowText(const v1::FlowKey& key) {
  v1::FlowKey brief = key;
  brief.clear_local_address();
  const std::string text = TextOf(brief, kOthers);
  return std::string(absl::StripLeadingAsciiWhitespace(text));
}

size_t TailLength(const v1::FlowKey& key) {
  if (key.direction() != v1::DIRECTION_OUTBOUND) return 0;
  const std::string port = absl::StrCat(":", key.service_port());
  const std::string& address = key.remote_address();
  const size_t last_group = address.rfind(':');
  if (last_group == std::string::npos) return port.size();
  return address.size() - last_group + absl::StrCat("]", port).size();
}

std::string DirectionText(v1::Direction direction) {
  if (direction == v1::DIRECTION_OUTBOUND) return "out";
  if (direction == v1::DIRECTION_INBOUND) return "in";
  return direction == v1::DIRECTION_UNKNOWN ? "?" : "";
}

std::string DirectionName(v1::Direction direction) {
  if (direction == v1::DIRECTION_OUTBOUND) return "outbound";
  if (direction == v1::DIRECTION_INBOUND) return "inbound";
  return direction == v1::DIRECTION_UNKNOWN ? "unknown" : "";
}

}  // namespace ephemera::cli
