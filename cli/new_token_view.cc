#include "cli/new_token_view.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/csv.h"
#include "cli/text.h"
#include "common/proto_time.h"

namespace ephemera::cli {

void PrintNewToken(const v1::NewToken& token, absl::TimeZone zone,
                   std::ostream& out) {
  const bool for_agent = absl::StartsWith(token.token().identity(), "agents/");
  const absl::Time expires =
      FromProto(token.token().expire_time()).value_or(absl::InfinitePast());
  out << "Token for " << EscapeText(token.token().identity()) << ", good until "
      << absl::FormatTime("%Y-%m-%d %H:%M", expires, zone)
      << " and for one key:\n\n  " << EscapeText(token.secret()) << "\n\n"
      << (for_agent ? "On the new host, as root:" : "There:") << "\n\n";
  const std::string controller = token.controllers().empty()
                                     ? "HOST:PORT"
                                     : EscapeText(token.controllers(0));
  out << (for_agent ? "  ephemera-agent enroll" : "  ephemera login")
      << " --controller " << controller << " \\\n      --ca-fingerprint "
      << EscapeText(token.ca_fingerprint()) << " \\\n      --token-file - <<< "
      << EscapeText(token.secret()) << "\n\n";
  if (token.controllers().empty()) {
    out << "The controller listens on no TLS port yet: restart it with "
           "--listen "
           "0.0.0.0:7400\nas well, and put in its place the name that "
           "'ephemera-controller init --name' was given.\n";
  }
}

void WriteNewTokenCsv(const v1::NewToken& token, std::ostream& out) {
  CsvWriter csv(out);
  for (const char* title : {"id", "identity", "expire_time", "secret",
                            "ca_fingerprint", "controllers"}) {
    csv.Text(title);
  }
  csv.EndRow();
  csv.Text(absl::StripPrefix(token.token().name(), "tokens/"));
  csv.Text(token.token().identity());
  csv.Time(
      FromProto(token.token().expire_time()).value_or(absl::InfinitePast()));
  csv.Text(token.secret()).Text(token.ca_fingerprint());
  csv.Text(absl::StrJoin(token.controllers(), " ")).EndRow();
}

}  // namespace ephemera::cli
