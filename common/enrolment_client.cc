#include "common/enrolment_client.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "common/certificate.h"
#include "common/checkpoint.h"
#include "common/credentials.h"
#include "common/grpc_status.h"
#include "common/ip_address.h"
#include "common/openssl.h"
#include "common/request_id.h"
#include "common/unique_fd.h"
#include "ephemera/v1/enrolment_service.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "openssl/err.h"
#include "openssl/ssl.h"

namespace ephemera {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct SslDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

struct AddressListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// OpenSSL writes to sockets with write(), which raises SIGPIPE where the peer
// has gone; a program that dies of that signal would. Holds it back from this
// thread, and at the end takes one that came.
class SigpipeBlock {
 public:
  SigpipeBlock() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~SigpipeBlock() {
    constexpr timespec kNow{};
    if (sigismember(&before_, SIGPIPE) == 0) {
      sigtimedwait(&sigpipe_, nullptr, &kNow);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

 private:
  sigset_t sigpipe_;
  sigset_t before_;
};

// Waits until `fd` is ready for `events`; false at the deadline.
bool AwaitReady(int fd, int16_t events, SteadyClock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - SteadyClock::now());
    if (left.count() <= 0) return false;
    pollfd wait{.fd = fd, .events = events, .revents = 0};
    const int ready = poll(&wait, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

absl::StatusOr<UniqueFd> ConnectTo(const addrinfo& address,
                                   SteadyClock::time_point deadline) {
  UniqueFd fd(socket(address.ai_family,
                     address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                     address.ai_protocol));
  if (!fd.valid()) return absl::UnavailableError(std::strerror(errno));
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
  if (errno != EINPROGRESS) {
    return absl::UnavailableError(std::strerror(errno));
  }
  if (!AwaitReady(fd.get(), POLLOUT, deadline)) {
    return absl::UnavailableError("it does not answer");
  }
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return absl::UnavailableError(std::strerror(error));
  return fd;
}

absl::StatusOr<UniqueFd> Dial(const ControllerAddress& controller,
                              SteadyClock::time_point deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(controller.host.c_str(),
                  absl::StrCat(controller.port).c_str(), &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, AddressListDeleter> list(found);
  absl::Status last = absl::UnavailableError("it has no address");
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    // One that swallows packets must leave time for the next.
    const SteadyClock::time_point now = SteadyClock::now();
    const SteadyClock::time_point until =
        one->ai_next == nullptr ? deadline : now + (deadline - now) / 2;
    absl::StatusOr<UniqueFd> fd = ConnectTo(*one, until);
    if (fd.ok()) return fd;
    last = fd.status();
  }
  return last;
}

absl::Status Handshake(SSL* ssl, int fd, SteadyClock::time_point deadline) {
  const SigpipeBlock no_signal;
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_connect(ssl);
    const int system_error = errno;
    if (result == 1) return absl::OkStatus();
    const int error = SSL_get_error(ssl, result);
    const bool wants_read = error == SSL_ERROR_WANT_READ;
    if (error == SSL_ERROR_SYSCALL) {
      return absl::UnavailableError(system_error == 0
                                        ? "it closed the connection"
                                        : std::strerror(system_error));
    }
    if (!wants_read && error != SSL_ERROR_WANT_WRITE) {
      return absl::UnavailableError(
          absl::StrCat("no TLS 1.3 there: ", TakeOpenSslError()));
    }
    const auto events = static_cast<int16_t>(wants_read ? POLLIN : POLLOUT);
    if (!AwaitReady(fd, events, deadline)) {
      return absl::UnavailableError("it does not answer the TLS handshake");
    }
  }
}

// The PEM form of the chain's certificate with this fingerprint.
absl::StatusOr<std::string> FindInChain(SSL* ssl,
                                        const std::string& fingerprint) {
  STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl);
  std::string shown;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* const one = sk_X509_value(chain, i);
    X509_up_ref(one);
    const Certificate certificate((OpenSslPtr<X509>(one)));
    if (certificate.Fingerprint() == fingerprint && certificate.IsRoot()) {
      return certificate.ToPem();
    }
    if (certificate.IsRoot()) shown = certificate.Fingerprint();
  }
  if (shown.empty()) {
    return absl::UnauthenticatedError(
        "it shows no CA certificate: is it an ephemera-controller?");
  }
  return absl::UnauthenticatedError(
      absl::StrCat("its CA has the fingerprint ", shown, ", not ", fingerprint,
                   ": this is another controller, or somebody is in between"));
}

absl::Status About(const std::string& controller, const absl::Status& status) {
  return {status.code(), absl::StrCat("cannot enrol with ", controller, ": ",
                                      status.message())};
}

// That the answer is ours, from the CA that was pinned.
absl::Status CheckAnswer(const v1::EnrolResponse& answer,
                         const EnrolmentParameters& parameters,
                         const PrivateKey& key) {
  const auto certificate = Certificate::FromDer(answer.certificate());
  if (!certificate.ok()) return certificate.status();
  const auto ca = Certificate::FromDer(answer.ca_certificate());
  if (!ca.ok()) return ca.status();
  if (ca->Fingerprint() != parameters.ca_fingerprint) {
    return absl::UnauthenticatedError("it answered with another CA");
  }
  if (X509_verify(certificate->get(), X509_get0_pubkey(ca->get())) != 1) {
    TakeOpenSslError();
    return absl::UnauthenticatedError(
        "the certificate it gave is not from its CA");
  }
  if (certificate->PublicKeyDer() != key.PublicKeyDer()) {
    return absl::UnauthenticatedError(
        "the certificate it gave is for another key");
  }
  const absl::StatusOr<Identity> identity = certificate->identity();
  if (!identity.ok()) return identity.status();
  if (identity->ResourceName() != answer.identity()) {
    return absl::UnauthenticatedError(
        "the certificate it gave is for another name");
  }
  return VerifyCheckpoint(answer.checkpoint(), answer.audit_public_key());
}

}  // namespace

absl::StatusOr<std::string> FetchCaCertificate(const std::string& controller,
                                               const std::string& fingerprint,
                                               absl::Duration timeout) {
  const absl::StatusOr<ControllerAddress> address =
      ParseControllerAddress(controller);
  if (!address.ok()) return address.status();
  if (address->is_unix()) {
    return absl::InvalidArgumentError(
        "nobody enrols on the unix socket: its callers need no certificate");
  }
  if (const absl::Status status = RequireTls13(); !status.ok()) return status;
  const OpenSslErrorScope errors;
  const SteadyClock::time_point deadline =
      SteadyClock::now() + absl::ToChronoNanoseconds(timeout);
  const absl::StatusOr<UniqueFd> fd = Dial(*address, deadline);
  if (!fd.ok()) return About(controller, fd.status());
  const std::unique_ptr<SSL_CTX, SslDeleter> context(
      SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<SSL, SslDeleter> ssl(
      context != nullptr ? SSL_new(context.get()) : nullptr);
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd->get()) != 1) {
    return absl::InternalError(TakeOpenSslError());
  }
  // gRPC's server wants to hear of HTTP/2.
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof kHttp2);
  // Nothing is believed here but the fingerprint.
  SSL_set_verify(ssl.get(), SSL_VERIFY_NONE, nullptr);
  if (!IpAddress::Parse(address->host).ok()) {
    SSL_set_tlsext_host_name(ssl.get(), address->host.c_str());
  }
  absl::Status status = Handshake(ssl.get(), fd->get(), deadline);
  if (!status.ok()) return About(controller, status);
  absl::StatusOr<std::string> found = FindInChain(ssl.get(), fingerprint);
  if (!found.ok()) return About(controller, found.status());
  return found;
}

absl::StatusOr<v1::EnrolResponse> Enrol(const EnrolmentParameters& parameters,
                                        const PrivateKey& key) {
  const std::string& controller = parameters.controller;
  absl::StatusOr<std::string> ca = FetchCaCertificate(
      controller, parameters.ca_fingerprint, parameters.timeout);
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> request =
      MakeCertificateRequest(key, std::nullopt);
  if (!request.ok()) return request.status();
  ClientIdentity nobody;
  nobody.ca_certificate = *std::move(ca);
  const auto credentials = ClientCredentials(
      controller,
      {.identity = std::make_shared<const ClientIdentity>(std::move(nobody))});
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub = v1::EnrolmentService::NewStub(
      grpc::CreateCustomChannel(controller, *credentials, arguments));
  v1::EnrolRequest enrol;
  enrol.set_token(parameters.token);
  enrol.set_kind(parameters.kind == Identity::Kind::kAgent
                     ? v1::IDENTITY_KIND_AGENT
                     : v1::IDENTITY_KIND_USER);
  enrol.set_certificate_request(*std::move(request));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoNanoseconds(parameters.timeout));
  AddRequestId(context);
  v1::EnrolResponse answer;
  absl::Status status = FromGrpcStatus(stub->Enrol(&context, enrol, &answer));
  if (status.ok()) status = CheckAnswer(answer, parameters, key);
  if (!status.ok()) return About(controller, status);
  return answer;
}

}  // namespace ephemera
