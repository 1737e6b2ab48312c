#ifndef EPHEMERA_AGENT_STREAM_COMMAND_LINK_H_
#define EPHEMERA_AGENT_STREAM_COMMAND_LINK_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/identity/audit_witness.h"
#include "agent/stream/backoff.h"
#include "agent/stream/sample_uploader.h"
#include "common/mutex.h"
#include "ephemera/v1/command_service.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace ephemera::agent {

struct CommandLinkOptions {
  // "agents/NAME".
  std::string agent;
  absl::Duration first_backoff = absl::Seconds(1);
  absl::Duration max_backoff = absl::Seconds(30);
  // [0, 1).
  std::function<double()> uniform;
};

// The command stream: takes commands from the controller and runs them, one
// after the other, on a thread of its own, which is also the one that reads the
// stream; so a controller that sends faster than commands run is slowed down.
// Every command has to come with proof that the audit log only grew.
//
// Lives on the sample stream's channel while that is connected, and opens its
// stream again where it ends before. Whatever happens to it, samples go on.
class CommandLink final : public ChannelUser {
 public:
  // Runs a command, with the channel it came on. Its status is the result: OK,
  // UNIMPLEMENTED for one that it does not know, or what failed.
  using Handler = std::function<absl::Status(
      const v1::Command&, const std::shared_ptr<grpc::Channel>&)>;

  // `witness` must outlive it.
  CommandLink(CommandLinkOptions options, AuditWitness& witness,
              Handler handler);
  // Ends the stream and the thread.
  ~CommandLink() override;

  void OnChannel(std::shared_ptr<grpc::Channel> channel,
                 const std::string& boot_id) override;
  void OnChannelLost() override;

 private:
  using Stream = grpc::ClientReaderWriter<v1::StreamCommandsRequest,
                                          v1::StreamCommandsResponse>;

  void Run();
  // One stream, from hello to its end.
  absl::Status RunStream(const std::shared_ptr<grpc::Channel>& channel,
                         const std::string& boot_id,
                         grpc::ClientContext& context);
  // False where the stream has ended, or has to.
  bool Answer(const v1::StreamCommandsResponse& response,
              const std::shared_ptr<grpc::Channel>& channel, Stream& stream);
  void LogEnd(const absl::Status& status);

  const CommandLinkOptions options_;
  AuditWitness& witness_;
  const Handler handler_;

  // Of thread_ only.
  Backoff backoff_;
  std::string told_mismatch_;
  std::string last_trouble_;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Null while there is no connection.
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
  std::string boot_id_ ABSL_GUARDED_BY(mutex_);
  // Of the stream that is open; null where none is.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;

  std::thread thread_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_COMMAND_LINK_H_
