#include "controller/identity/access_processor.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/grpc_status.h"

namespace ephemera::controller {
namespace {

// The HTTP/2 pseudo-header that names the method.
constexpr char kPathKey[] = ":path";

}  // namespace

grpc::Status AccessProcessor::Process(const InputMetadata& metadata,
                                      grpc::AuthContext* auth,
                                      OutputMetadata* /*consumed*/,
                                      OutputMetadata* /*response*/) {
  const auto found = metadata.find(kPathKey);
  const absl::string_view path =
      found == metadata.end()
          ? absl::string_view()
          : absl::string_view(found->second.data(), found->second.size());
  const Caller caller = CallerOf(*auth, on_unix_socket_);
  const absl::Status status = authorizer_.CheckCall(caller, path);
  if (status.ok()) return grpc::Status::OK;
  AuditDraft event = {.actor = caller.Actor(), .source = "tls"};
  if (!caller.serial.empty()) {
    absl::StrAppend(&event.source, ", certificate ", caller.serial);
  }
  // The method tells one refusal from another: there is no address to do so.
  event.action =
      absl::StrCat("call ", absl::StripPrefix(path, "/ephemera.v1."));
  refusals_.Note(std::move(event), status);
  return ToGrpcStatus(status);
}

}  // namespace ephemera::controller
