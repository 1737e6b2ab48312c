#include "controller/identity/caller.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/certificate.h"
#include "common/request_id.h"
#include "grpc/grpc_security_constants.h"

namespace ephemera::controller {
namespace {

constexpr absl::string_view kUnixPeer = "unix";
constexpr size_t kMaxRequestIdLength = 64;
constexpr size_t kMaxObjectLength = 100;
// gRPC's word for its local credentials.
constexpr absl::string_view kLocalTransport = "local";

// The first value of a property; empty where there is none.
std::string Property(const grpc::AuthContext& auth, const char* name) {
  const std::vector<grpc::string_ref> values = auth.FindPropertyValues(name);
  if (values.empty()) return "";
  return {values.front().data(), values.front().size()};
}

// What a client may put into the audit log: printable, and short.
std::string RequestIdOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(kRequestIdKey);
  if (found == metadata.end()) return "";
  std::string id(found->second.data(),
                 std::min(found->second.size(), kMaxRequestIdLength));
  for (char& c : id) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) c = '?';
  }
  return id;
}

// What a request names, cut to a length that no name of ours has, between two
// characters of its UTF-8: half of one would be no text.
absl::string_view CutObject(absl::string_view object) {
  if (object.size() <= kMaxObjectLength) return object;
  size_t end = kMaxObjectLength;
  while (end > 0 && (static_cast<unsigned char>(object[end]) & 0xC0U) == 0x80) {
    --end;
  }
  return object.substr(0, end);
}

}  // namespace

std::string Caller::Actor() const {
  switch (kind) {
    case Kind::kLocal:
      return "local";
    case Kind::kLoopback:
      return "loopback";
    case Kind::kAgent:
    case Kind::kUser:
      return identity.ResourceName();
    case Kind::kNobody:
      break;
  }
  return "nobody";
}

Caller CallerOf(const grpc::AuthContext& auth, bool on_unix_socket) {
  Caller caller;
  if (Property(auth, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME) ==
      kLocalTransport) {
    caller.kind =
        on_unix_socket ? Caller::Kind::kLocal : Caller::Kind::kLoopback;
    return caller;
  }
  const std::string pem = Property(auth, GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.empty()) return caller;
  const absl::StatusOr<Certificate> certificate = Certificate::FromPem(pem);
  if (!certificate.ok()) return caller;
  const absl::StatusOr<Identity> identity = certificate->identity();
  if (!identity.ok()) return caller;
  caller.kind = identity->kind == Identity::Kind::kAgent ? Caller::Kind::kAgent
                                                         : Caller::Kind::kUser;
  caller.identity = *identity;
  caller.serial = certificate->Serial();
  caller.fingerprint = certificate->Fingerprint();
  return caller;
}

Caller CallerOf(const grpc::ServerContextBase& context) {
  return CallerOf(*context.auth_context(), PeerOf(context) == kUnixPeer);
}

std::string PeerOf(const grpc::ServerContextBase& context) {
  const std::string peer = context.peer();
  if (absl::StartsWith(peer, "unix")) return std::string(kUnixPeer);
  // gRPC writes "ipv4:1.2.3.4:5" and "ipv6:%5B::1%5D:5".
  return absl::StrReplaceAll(
      peer,
      {{"ipv4:", ""}, {"ipv6:", ""}, {"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
}

std::string HostOf(const grpc::ServerContextBase& context) {
  const std::string peer = PeerOf(context);
  return peer.substr(0, peer.rfind(':'));
}

AuditDraft DraftFor(const grpc::ServerContextBase& context,
                    absl::string_view action, absl::string_view object) {
  const Caller caller = CallerOf(context);
  std::string source = PeerOf(context);
  if (!caller.serial.empty()) {
    absl::StrAppend(&source, ", certificate ", caller.serial);
  }
  return {.actor = caller.Actor(),
          .source = std::move(source),
          .request_id = RequestIdOf(context),
          .action = std::string(action),
          .object = std::string(CutObject(object))};
}

}  // namespace ephemera::controller
