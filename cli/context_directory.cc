#include "cli/context_directory.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/suggestion.h"
#include "common/private_file.h"

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
      absl::StrCat("'", name.substr(0, 80),
                   "' is not a context name: 1 to 63 of A-Z a-z 0-9 . _ - "
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
    // A login that never came about has no certificate.
    if (fs::exists(entry.path() / "client.crt", error)) {
      names.push_back(entry.path().filename().string());
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
  return WriteFileAtomically(path_ + "/current", name + "\n");
}

absl::Status ContextDirectory::Remove(const std::string& name) const {
  if (absl::Status status = CheckExists(name); !status.ok()) return status;
  std::error_code error;
  if (Current() == name) fs::remove(path_ + "/current", error);
  fs::remove_all(ContextPath(name), error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot remove ", ContextPath(name), ": ", error.message()));
}

std::string ContextDirectory::Controller(const std::string& name) const {
  return FirstLine(ContextPath(name) + "/controller");
}

absl::StatusOr<Certificate> ContextDirectory::LoadCertificate(
    const std::string& name) const {
  const absl::StatusOr<std::string> pem =
      ReadSmallFile(ContextPath(name) + "/client.crt");
  if (!pem.ok()) return pem.status();
  return Certificate::FromPem(*pem);
}

absl::StatusOr<std::shared_ptr<const ClientIdentity>>
ContextDirectory::LoadIdentity(const std::string& name) const {
  const std::string path = ContextPath(name);
  absl::StatusOr<std::string> ca = ReadSmallFile(path + "/ca.crt");
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> certificate = ReadSmallFile(path + "/client.crt");
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadSecretFile(path + "/client.key");
  if (!key.ok()) return key.status();
  ClientIdentity identity;
  identity.ca_certificate = *std::move(ca);
  identity.certificate = *std::move(certificate);
  identity.private_key = *std::move(key);
  return std::make_shared<const ClientIdentity>(std::move(identity));
}

absl::StatusOr<PrivateKey> ContextDirectory::LoadOrMakeKey(
    const std::string& name) const {
  if (absl::Status status = CheckUsable(); !status.ok()) return status;
  const std::string path = ContextPath(name);
  const absl::StatusOr<std::string> pem = ReadSecretFile(path + "/client.key");
  if (pem.ok()) return PrivateKey::FromPem(*pem);
  if (!absl::IsNotFound(pem.status())) return pem.status();
  absl::StatusOr<PrivateKey> key = PrivateKey::GenerateP256();
  if (!key.ok()) return key;
  absl::Status status = MakePrivateDirectory(path);
  if (status.ok()) {
    status = WriteFileAtomically(path + "/client.key", key->ToPem());
  }
  if (!status.ok()) return status;
  return key;
}

absl::Status ContextDirectory::StoreLogin(
    const std::string& name, const std::string& controller,
    const v1::EnrolResponse& enrolment) const {
  const std::string path = ContextPath(name);
  const auto certificate = Certificate::FromDer(enrolment.certificate());
  if (!certificate.ok()) return certificate.status();
  const auto ca = Certificate::FromDer(enrolment.ca_certificate());
  if (!ca.ok()) return ca.status();
  absl::Status status = WriteFileAtomically(path + "/ca.crt", ca->ToPem());
  if (status.ok()) {
    status = WriteFileAtomically(path + "/controller", controller + "\n");
  }
  if (!status.ok()) return status;
  absl::StatusOr<KnownLog> log = KnownLog::Load(path);
  if (!log.ok()) return log.status();
  status = log->Begin(enrolment.audit_public_key(), enrolment.checkpoint());
  if (status.ok()) {
    status = WriteFileAtomically(path + "/client.crt", certificate->ToPem());
  }
  if (!status.ok()) return status;
  return Use(name);
}

absl::StatusOr<KnownLog> ContextDirectory::LoadKnownLog(
    const std::string& name, const std::string& address) const {
  if (path_.empty()) return KnownLog::InMemory();
  if (!name.empty()) return KnownLog::Load(ContextPath(name));
  return KnownLog::Load(absl::StrCat(path_, "/known/", FileNameFor(address)));
}

}  // namespace ephemera::cli
