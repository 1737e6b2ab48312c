#ifndef EPHEMERA_TESTS_INTEGRATION_SS_H_
#define EPHEMERA_TESTS_INTEGRATION_SS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ephemera/v1/flow_service.pb.h"
#include "ephemera/v1/socket_sample.pb.h"
#include "tests/support/net_namespace.h"

namespace ephemera {

// State name, as in StateCounts, to sockets; states without any are left out.
using StateMap = std::map<std::string, uint32_t>;

// "outbound 10.0.0.1 10.0.0.2 80" to its states.
using GroupMap = std::map<std::string, StateMap>;

// One line of `ss -tan`.
struct SsSocket {
  std::string state;  // name in StateCounts
  uint32_t receive_queue = 0;
  uint32_t send_queue = 0;
  std::string local_address;  // IPv4-mapped as IPv4
  uint32_t local_port = 0;
  std::string remote_address;
  uint32_t remote_port = 0;
};

// What `ss -tan` says, counted in the test's own way: the reference.
class SsTable {
 public:
  // Runs `ss -tan` in `net`.
  static absl::StatusOr<SsTable> Read(const NetNamespace& net);

  StateMap States() const;
  // Listeners left out. A socket is inbound where a listener has its local
  // port, else outbound.
  GroupMap Groups() const;
  // "ADDRESS PORT" to accept queue and its bound.
  std::map<std::string, std::pair<uint32_t, uint32_t>> Listeners() const;
  // Sockets with this port on either side: `netstat -na | grep :PORT | wc -l`.
  StateMap StatesOfPort(uint32_t port) const;

 private:
  std::vector<SsSocket> sockets_;
};

// The same shapes from what the CLI says.
StateMap ToMap(const v1::StateCounts& counts);
GroupMap ToMap(const v1::ListFlowGroupsResponse& response);
std::map<std::string, std::pair<uint32_t, uint32_t>> ListenerMap(
    const v1::Snapshot& snapshot);

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_SS_H_
