#include "cli/context_directory.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/exit_code.h"
#include "cli/suggestion.h"
#include "common/private_file.h"
#include "common/quoted.h"

namespace ephemera::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxContextName = 63;

std::string DirectoryFor(const Context& context) {
  const std::string config = context.environment("XDG_CONFIG_HOME");
  if (!config.empty()) return config + "/ephemera";
  const std::string home = context.environment("HOME");
  return home.empty() ? "" : home + "/.config/ephemera";
}

std::string FirstLine(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadSmallFile(path);
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "";
}

// What is wrong with a file of this user is neither the controller's fault nor
// the command line's.
absl::Status OfThisHost(const absl::Status& status) {
  if (status.ok()) return status;
  return absl::FailedPreconditionError(status.message());
}

absl::StatusOr<Certificate> ReadCertificate(const std::string& path) {
  const absl::StatusOr<std::string> pem = ReadSmallFile(path);
  if (!pem.ok()) return OfThisHost(pem.status());
  absl::StatusOr<Certificate> certificate = Certificate::FromPem(*pem);
  if (certificate.ok()) return certificate;
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": ", certificate.status().message()));
}

// A file name for an address: what may not be in one, or would be taken for
// another, as %XX.
std::string FileNameFor(absl::string_view address) {
  std::string name;
  for (const char c : address) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
        c == '.') {
      name.push_back(c);
    } else {
      absl::StrAppend(
          &name, "%",
          absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return name;
}

}  // namespace

absl::Status CheckContextName(absl::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= kMaxContextName && name.front() != '.' &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
      });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(name),
                   " is not a context name: 1 to 63 of A-Z a-z 0-9 . _ - "
                   "with no dot in front"));
}

ContextDirectory::ContextDirectory(const Context& context)
    : path_(DirectoryFor(context)) {}

std::string ContextDirectory::ContextPath(absl::string_view name) const {
  return absl::StrCat(path_, "/contexts/", name);
}

absl::Status ContextDirectory::CheckUsable() const {
  if (!path_.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "there is no place to keep a login: set HOME or XDG_CONFIG_HOME");
}

std::vector<std::string> ContextDirectory::Names() const {
  std::vector<std::string> names;
  if (path_.empty()) return names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_ + "/contexts", error)) {
    std::string name = entry.path().filename().string();
    // A login that never came about has no certificate.
    if (CheckContextName(name).ok() &&
        fs::exists(entry.path() / "client.crt", error)) {
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ContextDirectory::Current() const {
  return path_.empty() ? "" : FirstLine(path_ + "/current");
}

absl::Status ContextDirectory::CheckExists(const std::string& name) const {
  if (absl::Status status = CheckContextName(name); !status.ok()) return status;
  const std::vector<std::string> names = Names();
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return absl::OkStatus();
  }
  const std::vector<std::string> near = NearNames(name, names);
  return absl::NotFoundError(absl::StrCat(
      "no context '", name, "'",
      near.empty() ? ""
                   : absl::StrCat(" (did you mean '",
                                  absl::StrJoin(near, "' or '"), "'?)"),
      "; 'ephemera context list' shows them, 'ephemera login' makes one"));
}

absl::Status ContextDirectory::Use(const std::string& name) const {
  if (absl::Status status = CheckExists(name); !status.ok()) return status;
  return OfThisHost(WriteFileAtomically(path_ + "/current", name + "\n"));
}

absl::Status ContextDirectory::Remove(const std::string& name) const {
  if (absl::Status status = CheckExists(name); !status.ok()) return status;
  std::error_code error;
  if (Current() == name) fs::remove(path_ + "/current", error);
  fs::remove_all(ContextPath(name), error);
  if (!error) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("cannot remove ", ContextPath(name), ": ", error.message()));
}

std::string ContextDirectory::Controller(const std::string& name) const {
  return FirstLine(ContextPath(name) + "/controller");
}

absl::StatusOr<Certificate> ContextDirectory::LoadCertificate(
    const std::string& name) const {
  return ReadCertificate(ContextPath(name) + "/client.crt");
}

absl::StatusOr<Certificate> ContextDirectory::LoadCa(
    const std::string& name) const {
  return ReadCertificate(ContextPath(name) + "/ca.crt");
}

absl::StatusOr<PrivateKey> ContextDirectory::LoadKey(
    const std::string& name) const {
  const std::string path = ContextPath(name) + "/client.key";
  const absl::StatusOr<std::string> pem = ReadSecretFile(path);
  if (absl::IsNotFound(pem.status())) return pem.status();
  if (!pem.ok()) return OfThisHost(pem.status());
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(*pem);
  if (key.ok()) return key;
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": ", key.status().message()));
}

absl::StatusOr<std::shared_ptr<const ClientIdentity>>
ContextDirectory::LoadIdentity(const std::string& name) const {
  const absl::StatusOr<Certificate> ca = LoadCa(name);
  if (!ca.ok()) return ca.status();
  const absl::StatusOr<Certificate> certificate = LoadCertificate(name);
  if (!certificate.ok()) return certificate.status();
  const absl::StatusOr<PrivateKey> key = LoadKey(name);
  if (!key.ok()) return OfThisHost(key.status());
  // gRPC would only say that it has nowhere to connect to.
  if (certificate->PublicKeyDer() != key->PublicKeyDer()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the certificate in ", ContextPath(name), " is not for the key there"));
  }
  ClientIdentity identity;
  identity.ca_certificate = ca->ToPem();
  identity.certificate = certificate->ToPem();
  identity.private_key = key->ToPem();
  return std::make_shared<const ClientIdentity>(std::move(identity));
}

absl::StatusOr<PrivateKey> ContextDirectory::LoadOrMakeKey(
    const std::string& name) const {
  if (absl::Status status = CheckUsable(); !status.ok()) return status;
  absl::StatusOr<PrivateKey> key = LoadKey(name);
  if (!absl::IsNotFound(key.status())) return key;
  key = PrivateKey::GenerateP256();
  if (!key.ok()) return key;
  const std::string path = ContextPath(name);
  absl::Status status = MakePrivateDirectory(path);
  if (status.ok()) {
    status = WriteFileAtomically(path + "/client.key", key->ToPem());
  }
  if (!status.ok()) return OfThisHost(status);
  return key;
}

absl::Status ContextDirectory::StoreLogin(const std::string& name,
                                          const std::string& controller,
                                          const v1::EnrolResponse& enrolment,
                                          bool replace) const {
  const std::string path = ContextPath(name);
  const auto certificate = Certificate::FromDer(enrolment.certificate());
  if (!certificate.ok()) return certificate.status();
  const auto ca = Certificate::FromDer(enrolment.ca_certificate());
  if (!ca.ok()) return ca.status();
  const absl::StatusOr<KnownLog> log = LoadKnownLog(name, controller);
  if (!log.ok() && !replace) return log.status();
  const bool same_log =
      log.ok() && log->public_key() == enrolment.audit_public_key();
  if (log.ok() && !log->public_key().empty() && !same_log && !replace) {
    return CheckFailedError(absl::StrCat("the audit log of ", controller,
                                         " is signed with another key than "
                                         "the one that context '",
                                         name,
                                         "' knows; if that was replaced on "
                                         "purpose, log in again with --force"));
  }
  absl::Status status = WriteFileAtomically(path + "/ca.crt", ca->ToPem());
  if (status.ok()) {
    status = WriteFileAtomically(path + "/controller", controller + "\n");
  }
  if (status.ok() && (!same_log || log->checkpoint().tree_size() == 0)) {
    status = KnownLog::Begin(path, enrolment.audit_public_key(),
                             enrolment.checkpoint());
  }
  if (status.ok()) {
    status = WriteFileAtomically(path + "/client.crt", certificate->ToPem());
  }
  if (!status.ok()) return OfThisHost(status);
  return Use(name);
}

absl::StatusOr<KnownLog> ContextDirectory::LoadKnownLog(
    const std::string& name, const std::string& address) const {
  if (path_.empty()) return KnownLog::InMemory();
  absl::StatusOr<KnownLog> log = KnownLog::Load(
      name.empty() ? absl::StrCat(path_, "/known/", FileNameFor(address))
                   : ContextPath(name));
  if (!log.ok()) return OfThisHost(log.status());
  return log;
}

}  // namespace ephemera::cli
