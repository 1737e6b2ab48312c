#ifndef EPHEMERA_CLI_CONTEXT_DIRECTORY_H_
#define EPHEMERA_CLI_CONTEXT_DIRECTORY_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/context.h"
#include "common/certificate.h"
#include "common/credentials.h"
#include "common/known_log.h"
#include "common/private_key.h"
#include "ephemera/v1/enrolment_service.pb.h"

namespace ephemera::cli {

// Where the CLI keeps what it knows of controllers: named contexts, each a
// login to one of them, and of those that need no login the audit log. Holds
// nothing in memory. A file that cannot be read or written, or holds something
// else, is FAILED_PRECONDITION with its path. For one thread.
//
//   current                     name of the context in use
//   contexts/NAME/              controller, client.key, client.crt, ca.crt,
//                               audit.pub, checkpoint
//   known/ADDRESS/              audit.pub, checkpoint
class ContextDirectory {
 public:
  // $XDG_CONFIG_HOME/ephemera, else $HOME/.config/ephemera. Neither need be set
  // as long as nothing is stored.
  explicit ContextDirectory(const Context& context);
  explicit ContextDirectory(std::string path) : path_(std::move(path)) {}

  // Ordered.
  std::vector<std::string> Names() const;
  // Empty where there is none.
  std::string Current() const;
  // NOT_FOUND, with near names, where there is no such context;
  // INVALID_ARGUMENT as CheckContextName().
  absl::Status CheckExists(const std::string& name) const;
  absl::Status Use(const std::string& name) const;
  // The current context too: there is none in use then.
  absl::Status Remove(const std::string& name) const;

  // Where its files are.
  std::string ContextPath(absl::string_view name) const;
  // Empty where it is not known.
  std::string Controller(const std::string& name) const;
  absl::StatusOr<Certificate> LoadCertificate(const std::string& name) const;
  absl::StatusOr<Certificate> LoadCa(const std::string& name) const;
  // FAILED_PRECONDITION too where key and certificate do not belong together.
  absl::StatusOr<std::shared_ptr<const ClientIdentity>> LoadIdentity(
      const std::string& name) const;

  // The key of a login, made where there is none; see AgentState.
  absl::StatusOr<PrivateKey> LoadOrMakeKey(const std::string& name) const;
  // Keeps what a login brought and makes it the current context. Where the
  // context knows the audit log already, its checkpoint stays, so that the next
  // change has the log's continuation proven. CheckFailedError() where the log
  // is signed with another key than before, unless `replace`.
  absl::Status StoreLogin(const std::string& name,
                          const std::string& controller,
                          const v1::EnrolResponse& enrolment,
                          bool replace) const;

  // What is known of the audit log: of the context, or where `name` is empty of
  // the controller at `address`.
  absl::StatusOr<KnownLog> LoadKnownLog(const std::string& name,
                                        const std::string& address) const;

 private:
  absl::Status CheckUsable() const;
  // NOT_FOUND where there is none.
  absl::StatusOr<PrivateKey> LoadKey(const std::string& name) const;

  // Empty where there is no home.
  std::string path_;
};

// OK for 1 to 63 of [A-Za-z0-9._-], no dot in front; else INVALID_ARGUMENT.
absl::Status CheckContextName(absl::string_view name);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_CONTEXT_DIRECTORY_H_
