#include "tests/integration/ss.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/tcp_state.h"
#include "tests/support/process.h"

namespace ephemera {
namespace {

std::string StateName(absl::string_view shown) {
  if (shown == "ESTAB") return "established";
  if (shown == "UNCONN") return "close";
  for (const TcpStateField& field : kTcpStateFields) {
    if (field.label == shown) return std::string(field.name);
  }
  return absl::StrCat("unknown state ", shown);
}

// "10.0.0.1:80", "[::ffff:10.0.0.1]:80", "[fd77::1]:80", "*:80", "0.0.0.0:*".
bool SplitEndpoint(absl::string_view text, std::string& address,
                   uint32_t& port) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return false;
  absl::string_view host = text.substr(0, colon);
  const absl::string_view number = text.substr(colon + 1);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  absl::ConsumePrefix(&host, "::ffff:");
  // A socket of both families that is bound to all addresses.
  address = host == "*" ? "::" : std::string(host);
  port = 0;
  return number == "*" || absl::SimpleAtoi(number, &port);
}

std::string GroupName(absl::string_view direction, absl::string_view local,
                      absl::string_view remote, uint32_t port) {
  return absl::StrCat(direction, " ", local, " ", remote, " ", port);
}

}  // namespace

absl::StatusOr<SsTable> SsTable::Read(const NetNamespace& net) {
  Command command;
  command.argv = {"ss", "-H", "-tan"};
  command.net = &net;
  const CommandResult result = RunCommand(command);
  if (result.exit_code != 0) return absl::UnknownError(result.err);
  SsTable table;
  for (const absl::string_view line :
       absl::StrSplit(result.out, '\n', absl::SkipWhitespace())) {
    const std::vector<absl::string_view> columns =
        absl::StrSplit(line, ' ', absl::SkipWhitespace());
    SsSocket socket;
    if (columns.size() < 5 ||
        !absl::SimpleAtoi(columns[1], &socket.receive_queue) ||
        !absl::SimpleAtoi(columns[2], &socket.send_queue) ||
        !SplitEndpoint(columns[3], socket.local_address, socket.local_port) ||
        !SplitEndpoint(columns[4], socket.remote_address, socket.remote_port)) {
      return absl::DataLossError(absl::StrCat("ss said: ", line));
    }
    socket.state = StateName(columns[0]);
    table.sockets_.push_back(std::move(socket));
  }
  return table;
}

StateMap SsTable::States() const {
  StateMap result;
  for (const SsSocket& socket : sockets_) ++result[socket.state];
  return result;
}

GroupMap SsTable::Groups() const {
  std::set<uint32_t> listening;
  for (const SsSocket& socket : sockets_) {
    if (socket.state == "listen") listening.insert(socket.local_port);
  }
  GroupMap result;
  for (const SsSocket& socket : sockets_) {
    if (socket.state == "listen") continue;
    const bool inbound = listening.contains(socket.local_port);
    ++result[GroupName(inbound ? "inbound" : "outbound", socket.local_address,
                       socket.remote_address,
                       inbound ? socket.local_port : socket.remote_port)]
            [socket.state];
  }
  return result;
}

std::map<std::string, std::pair<uint32_t, uint32_t>> SsTable::Listeners()
    const {
  std::map<std::string, std::pair<uint32_t, uint32_t>> result;
  for (const SsSocket& socket : sockets_) {
    if (socket.state != "listen") continue;
    result[absl::StrCat(socket.local_address, " ", socket.local_port)] = {
        socket.receive_queue, socket.send_queue};
  }
  return result;
}

StateMap SsTable::StatesOfPort(uint32_t port) const {
  StateMap result;
  for (const SsSocket& socket : sockets_) {
    if (socket.local_port == port || socket.remote_port == port) {
      ++result[socket.state];
    }
  }
  return result;
}

StateMap ToMap(const v1::StateCounts& counts) {
  StateMap result;
  for (const TcpStateField& field : kTcpStateFields) {
    const uint32_t sockets = (counts.*field.get)();
    if (sockets > 0) result[std::string(field.name)] = sockets;
  }
  return result;
}

GroupMap ToMap(const v1::ListFlowGroupsResponse& response) {
  GroupMap result;
  for (const v1::FlowGroupState& group : response.flow_groups()) {
    const v1::FlowKey& key = group.key();
    absl::string_view direction = "unknown";
    if (key.direction() == v1::DIRECTION_INBOUND) direction = "inbound";
    if (key.direction() == v1::DIRECTION_OUTBOUND) direction = "outbound";
    // A group may stay listed after its last socket.
    if (group.sockets() == 0) continue;
    result[GroupName(direction, key.local_address(), key.remote_address(),
                     key.service_port())] = ToMap(group.states());
  }
  return result;
}

std::map<std::string, std::pair<uint32_t, uint32_t>> ListenerMap(
    const v1::Snapshot& snapshot) {
  std::map<std::string, std::pair<uint32_t, uint32_t>> result;
  for (const v1::Listener& listener : snapshot.listeners()) {
    result[absl::StrCat(listener.address(), " ", listener.port())] = {
        listener.backlog(), listener.backlog_limit()};
  }
  return result;
}

}  // namespace ephemera
