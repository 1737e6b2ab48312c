#include "tests/integration/fleet.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/proto_time.h"
#include "common/unique_fd.h"
#include "ephemera/v1/history_service.grpc.pb.h"
#include "ephemera/v1/token_service.pb.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/integration/readings.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(20);

bool Connectable(const std::string& socket_path) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof address) == 0;
}

// All pages of a history call.
template <typename Request, typename Response, typename Point>
std::vector<Point> AllPages(
    Request request,
    const std::function<grpc::Status(grpc::ClientContext*, const Request&,
                                     Response*)>& call) {
  std::vector<Point> result;
  request.set_page_size(10000);
  while (true) {
    grpc::ClientContext context;
    Response response;
    if (!call(&context, request, &response).ok()) return {};
    result.insert(result.end(), response.points().begin(),
                  response.points().end());
    if (response.next_page_token().empty()) return result;
    request.set_page_token(response.next_page_token());
  }
}

}  // namespace

Command Fleet::ControllerCommand(const std::vector<std::string>& flags) const {
  Command command;
  command.argv = {EPHEMERA_CONTROLLER_BINARY, "--data-dir", data_dir(),
                  "--listen", address()};
  if (!tls_address_.empty()) {
    command.argv.insert(command.argv.end(), {"--listen", tls_address_});
  }
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  command.net = controller_net_;
  return command;
}

absl::Status Fleet::ServeTls(const NetNamespace& net, const std::string& ip) {
  Command init;
  init.argv = {EPHEMERA_CONTROLLER_BINARY,
               "init",
               "--data-dir",
               data_dir(),
               "--name",
               ip};
  const CommandResult result = RunCommand(init);
  if (result.exit_code != 0) return absl::UnknownError(result.err);
  const std::string label_text = "CA fingerprint";
  constexpr size_t kDigits = 64;
  const size_t label = result.out.find(label_text);
  if (label == std::string::npos) return absl::UnknownError(result.out);
  const size_t begin =
      result.out.find_first_not_of(' ', label + label_text.size());
  ca_fingerprint_ = result.out.substr(begin, kDigits);
  tls_address_ = absl::StrCat(ip, ":7400");
  controller_net_ = &net;
  return absl::OkStatus();
}

std::string Fleet::StateDir(absl::string_view agent) const {
  return absl::StrCat(directory(), "/agents/", agent);
}

absl::StatusOr<std::string> Fleet::CreateToken(
    const std::vector<std::string>& arguments) const {
  std::vector<std::string> create = {"token", "create"};
  create.insert(create.end(), arguments.begin(), arguments.end());
  v1::CreateTokenResponse response;
  const absl::Status status = Cli(create, response);
  if (!status.ok()) return status;
  return response.token().secret();
}

CommandResult Fleet::EnrolAgent(absl::string_view name, const NetNamespace* net,
                                const std::string& token,
                                const std::vector<std::string>& flags) const {
  const std::string token_file =
      absl::StrCat(directory(), "/token-", name, "-", token.substr(0, 12));
  std::ofstream(token_file) << token << "\n";
  Command command;
  command.argv = {EPHEMERA_AGENT_BINARY, "enroll",           "--controller",
                  tls_address_,          "--ca-fingerprint", ca_fingerprint_,
                  "--token-file",        token_file,         "--state-dir",
                  StateDir(name)};
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  command.net = net;
  return RunCommand(command);
}

Command Fleet::AgentCommand(absl::string_view name, const NetNamespace* net,
                            const std::vector<std::string>& flags) const {
  Command command;
  if (!tls_address_.empty() &&
      !std::filesystem::exists(StateDir(name) + "/agent.crt")) {
    const auto token = CreateToken({"--agent", std::string(name)});
    EXPECT_TRUE(token.ok()) << token.status();
    const CommandResult enrolled =
        EnrolAgent(name, net, token.value_or("none"));
    EXPECT_EQ(enrolled.exit_code, 0) << enrolled.err;
  }
  command.argv = {EPHEMERA_AGENT_BINARY,
                  "--controller",
                  tls_address_.empty() ? address() : tls_address_,
                  "--state-dir",
                  StateDir(name),
                  "--name",
                  std::string(name),
                  "--snapshot-interval",
                  "1s",
                  "--cpu-budget",
                  "20"};
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  command.net = net;
  return command;
}

absl::StatusOr<Process> Fleet::StartController(const Command& command) const {
  absl::StatusOr<Process> process = Process::Start(command);
  if (!process.ok()) return process;
  if (WaitUntil(
          [&] { return !process->running() || Connectable(socket_path()); },
          kStartTimeout) &&
      process->running()) {
    return process;
  }
  return absl::DeadlineExceededError(
      absl::StrCat("the controller does not listen: ", process->err()));
}

CommandResult Fleet::Cli(const std::vector<std::string>& arguments) const {
  Command command;
  command.argv = {EPHEMERA_CLI_BINARY};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {"EPHEMERA_CONTROLLER=" + address(),
                         "XDG_CONFIG_HOME=" + directory() + "/config"};
  return RunCommand(command);
}

void Fleet::ForgetLog() const {
  std::filesystem::remove_all(directory() + "/config");
}

absl::Status Fleet::Cli(const std::vector<std::string>& arguments,
                        google::protobuf::Message& response) const {
  std::vector<std::string> with_format = arguments;
  with_format.insert(with_format.end(), {"-o", "json"});
  const CommandResult result = Cli(with_format);
  if (result.exit_code != 0) return absl::UnknownError(result.err);
  const auto status =
      google::protobuf::util::JsonStringToMessage(result.out, &response);
  if (!status.ok()) {
    return absl::DataLossError(
        absl::StrCat(status.ToString(), ": ", result.out));
  }
  return absl::OkStatus();
}

v1::Agent Fleet::ShowAgent(absl::string_view name) const {
  v1::Agent agent;
  if (!Cli({"agents", "show", std::string(name)}, agent).ok()) agent.Clear();
  return agent;
}

v1::ListFlowGroupsResponse Fleet::Top(absl::string_view name) const {
  v1::ListFlowGroupsResponse response;
  if (!Cli({"top", "--agent", std::string(name)}, response).ok()) {
    response.Clear();
  }
  return response;
}

bool Fleet::WaitForSnapshot(absl::string_view agent,
                            absl::Duration timeout) const {
  const int64_t after = absl::ToInt64Microseconds(SystemClock().BootTime());
  return WaitUntil(
      [&] { return ShowAgent(agent).snapshot().boottime_us() > after; },
      timeout, absl::Milliseconds(200));
}

bool Fleet::WaitForConnected(absl::string_view agent,
                             absl::Duration timeout) const {
  return WaitUntil([&] { return ShowAgent(agent).connected(); }, timeout,
                   absl::Milliseconds(100));
}

absl::StatusOr<absl::Time> Fleet::Now(absl::string_view agent) const {
  return FromProto(Top(agent).read_time());
}

bool Fleet::WaitForStored(absl::string_view agent,
                          absl::Duration timeout) const {
  const absl::StatusOr<absl::Time> now = Now(agent);
  if (!now.ok()) return false;
  return WaitUntil(
      [&] {
        const std::vector<v1::GaugePoint> points = GaugeHistory(agent, *now);
        return !points.empty() && StartTime(points.back()) > *now;
      },
      timeout, absl::Milliseconds(200));
}

bool Fleet::WaitForCloses(absl::string_view agent, uint32_t port,
                          absl::Duration timeout) const {
  const absl::StatusOr<absl::Time> now = Now(agent);
  if (!now.ok()) return false;
  return WaitUntil(
      [&] {
        const std::vector<v1::FlowPoint> points =
            FlowHistory(agent, port, *now);
        return std::any_of(
            points.begin(), points.end(), [&](const v1::FlowPoint& point) {
              return point.closes_known() && StartTime(point) > *now;
            });
      },
      timeout, absl::Milliseconds(200));
}

std::shared_ptr<grpc::Channel> Fleet::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      address(), grpc::InsecureChannelCredentials(), arguments);
}

std::vector<v1::GaugePoint> Fleet::GaugeHistory(absl::string_view agent,
                                                absl::Time start) const {
  const auto stub = v1::HistoryService::NewStub(NewChannel());
  v1::ListGaugePointsRequest request;
  request.set_agent(absl::StrCat("agents/", agent));
  *request.mutable_range()->mutable_start_time() = ToProto(start);
  return AllPages<v1::ListGaugePointsRequest, v1::ListGaugePointsResponse,
                  v1::GaugePoint>(
      request, [&](auto* context, const auto& page, auto* response) {
        return stub->ListGaugePoints(context, page, response);
      });
}

std::vector<v1::FlowPoint> Fleet::FlowHistory(absl::string_view agent,
                                              uint32_t port,
                                              absl::Time start) const {
  const auto stub = v1::HistoryService::NewStub(NewChannel());
  v1::ListFlowPointsRequest request;
  request.mutable_filter()->set_agent(absl::StrCat("agents/", agent));
  request.mutable_filter()->set_port(port);
  *request.mutable_range()->mutable_start_time() = ToProto(start);
  return AllPages<v1::ListFlowPointsRequest, v1::ListFlowPointsResponse,
                  v1::FlowPoint>(
      request, [&](auto* context, const auto& page, auto* response) {
        return stub->ListFlowPoints(context, page, response);
      });
}

Command TrafficCommand(const NetNamespace& net,
                       const std::vector<std::string>& arguments) {
  Command command;
  command.argv = {EPHEMERA_TRAFFIC_BINARY};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.net = &net;
  return command;
}

absl::StatusOr<Process> StartTrafficServer(const NetNamespace& net,
                                           std::string& endpoint) {
  absl::StatusOr<Process> process =
      Process::Start(TrafficCommand(net, {"server", "--listen", endpoint}));
  if (!process.ok()) return process;
  constexpr absl::string_view kSays = "listening on ";
  if (!WaitUntil([&] { return absl::EndsWith(process->out(), "\n"); },
                 kStartTimeout)) {
    return absl::DeadlineExceededError(process->err());
  }
  endpoint = process->out().substr(kSays.size());
  endpoint.pop_back();
  return process;
}

}  // namespace ephemera
