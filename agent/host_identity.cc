#include "agent/host_identity.h"

#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"

namespace ephemera::agent {

std::string Printable(absl::string_view bytes) {
  std::string text(bytes);
  for (char& c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

std::string Hostname() {
  // One more than the longest: gethostname() need not terminate a cut name.
  std::array<char, HOST_NAME_MAX + 2> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return Printable(name.data());
}

std::string AgentNameFromHostname(absl::string_view hostname) {
  std::string name = absl::AsciiStrToLower(hostname);
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.') {
      c = '-';
    }
  }
  size_t begin = 0;
  while (begin < name.size() && !absl::ascii_isalnum(name[begin])) ++begin;
  name = name.substr(begin, kMaxAgentNameLength);
  while (!name.empty() && !absl::ascii_isalnum(name.back())) name.pop_back();
  return name;
}

std::string KernelRelease() {
  utsname names{};
  return uname(&names) == 0 ? Printable(names.release) : "";
}

absl::StatusOr<std::string> HostBootId(absl::string_view root) {
  const std::string path =
      absl::StrCat(root, root.empty() || root.back() == '/' ? "" : "/",
                   "proc/sys/kernel/random/boot_id");
  std::ifstream file(path);
  std::string id;
  if (!std::getline(file, id) || id.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "cannot read ", path, "; is --root right and /proc mounted?"));
  }
  return id;
}

absl::StatusOr<std::string> RandomId() {
  std::array<char, 16> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) !=
      static_cast<ssize_t>(bytes.size())) {
    return absl::InternalError("getrandom gave no random bits");
  }
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

}  // namespace ephemera::agent
