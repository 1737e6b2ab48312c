#ifndef EPHEMERA_TESTS_CONTROLLER_QUERY_SERVER_H_
#define EPHEMERA_TESTS_CONTROLLER_QUERY_SERVER_H_

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/credentials.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/channel_arguments.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {

// A real server on a unix socket for one service.
class QueryServer {
 public:
  explicit QueryServer(grpc::Service& service) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, *ServerCredentials(address_, {}));
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel(address_, *ClientCredentials(address_, {}));
  }
  ~QueryServer() { Shutdown(); }
  void Shutdown() { server_->Shutdown(); }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // A channel whose transport takes little more than what is read.
  std::shared_ptr<grpc::Channel> NarrowChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 1024);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address_, *ClientCredentials(address_, {}),
                                     arguments);
  }

 private:
  TempDir directory_;
  const std::string address_ = absl::StrCat("unix:", directory_.path(), "/s");
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_QUERY_SERVER_H_
