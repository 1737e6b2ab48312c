#include "cli/new_token_view.h"

#include <sstream>

#include "common/proto_time.h"
#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

v1::NewToken SomeToken(const std::string& identity) {
  v1::NewToken token;
  token.mutable_token()->set_name("tokens/0123456789abcdef");
  token.mutable_token()->set_identity(identity);
  *token.mutable_token()->mutable_expire_time() =
      ToProto(absl::FromUnixSeconds(1'800'000'000));
  token.set_secret("eph-abc");
  token.set_ca_fingerprint("12ab");
  return token;
}

std::string Printed(const v1::NewToken& token) {
  std::ostringstream out;
  PrintNewToken(token, absl::UTCTimeZone(), out);
  return out.str();
}

TEST(NewTokenView, GivesTheCommandForANewHost) {
  v1::NewToken token = SomeToken("agents/web-1");
  token.add_controllers("c.example:7400");
  token.add_controllers("10.0.0.5:7400");
  EXPECT_EQ(Printed(token),
            "Token for agents/web-1, good until 2027-01-15 08:00 and for one "
            "key:\n\n  eph-abc\n\nOn the new host, as root:\n\n"
            "  ephemera-agent enroll --controller c.example:7400 \\\n"
            "      --ca-fingerprint 12ab \\\n"
            "      --token-file - <<< eph-abc\n\n");
}

TEST(NewTokenView, GivesTheCommandForAPerson) {
  v1::NewToken token = SomeToken("users/ann");
  token.add_controllers("c.example:7400");
  EXPECT_NE(Printed(token).find("  ephemera login --controller "
                                "c.example:7400 \\\n"),
            std::string::npos);
}

TEST(NewTokenView, SaysHowToServeTlsWhereTheControllerDoesNot) {
  const std::string text = Printed(SomeToken("agents/web-1"));
  for (const char* part : {"--controller HOST:PORT", "no TLS port yet",
                           "--listen", "ephemera-controller init --name"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(NewTokenView, NeverWritesWhatDrivesATerminal) {
  v1::NewToken token = SomeToken("agents/\x1b[31m");
  token.add_controllers("\x1b[2J");
  EXPECT_EQ(Printed(token).find('\x1b'), std::string::npos);
}

TEST(NewTokenView, WritesCsv) {
  v1::NewToken token = SomeToken("users/ann");
  token.add_controllers("c.example:7400");
  token.add_controllers("10.0.0.5:7400");
  std::ostringstream out;
  WriteNewTokenCsv(token, out);
  EXPECT_EQ(out.str(),
            "id,identity,expire_time,secret,ca_fingerprint,controllers\n"
            "0123456789abcdef,users/ann,2027-01-15T08:00:00Z,eph-abc,12ab,"
            "c.example:7400 10.0.0.5:7400\n");
}

}  // namespace
}  // namespace ephemera::cli
