#ifndef EPHEMERA_TESTS_SUPPORT_TRAFFIC_CLIENT_H_
#define EPHEMERA_TESTS_SUPPORT_TRAFFIC_CLIENT_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/unique_fd.h"
#include "tests/support/traffic/endpoint.h"
#include "tests/support/traffic/server.h"

namespace ephemera::traffic {

// One connection per slot; a slot that cannot be kept in time is done late, not
// left out.
struct Plan {
  // Slots take the destinations in turn.
  std::vector<Endpoint> destinations;
  // Requests per second, one stage after the other.
  std::vector<double> rates;
  // Length of each stage.
  absl::Duration stage_length;
  CloseSide close_side = CloseSide::kClient;
};

// What was done.
struct Report {
  // Boot-clock second (CLOCK_BOOTTIME) of closes[0].
  int64_t first_second = 0;
  // Connections closed after a whole response, by the second in which close()
  // returned.
  std::vector<uint32_t> closes;
  uint64_t slots = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  // Slots never begun: the client fell behind by more than the whole plan.
  uint64_t abandoned = 0;
  // The longest wait of a slot for its turn.
  absl::Duration latest;
  // Failures by the name of the errno.
  std::map<std::string, uint64_t> errors;

  // One JSON object.
  std::string ToJson() const;
};

// An open-loop HTTP client on an absolute schedule: POST, no keep-alive. One
// thread.
class Client {
 public:
  // INVALID_ARGUMENT where the plan has no destination or a rate that is not
  // positive.
  static absl::StatusOr<std::unique_ptr<Client>> Create(Plan plan);

  // Carries out the plan; returns once every connection has ended.
  Report Run();

 private:
  struct Connection {
    UniqueFd fd;
    bool sent = false;
    bool answered = false;
    std::string response;
  };

  Client(Plan plan, UniqueFd epoll);

  // When slot `slot` is due, as time since the start.
  absl::Duration DueTime(uint64_t slot) const;
  void Begin(uint64_t slot);
  void OnEvent(int fd);
  bool SendRequest(Connection& connection);
  void ReadResponse(Connection& connection);
  void CountClose();
  void Fail(int fd, int error);
  // Ends what is open.
  void Finish(int fd);

  const Plan plan_;
  const UniqueFd epoll_;
  uint64_t slots_ = 0;
  size_t open_ = 0;
  std::vector<Connection> connections_;  // by file descriptor
  Report report_;
};

}  // namespace ephemera::traffic

#endif  // EPHEMERA_TESTS_SUPPORT_TRAFFIC_CLIENT_H_
