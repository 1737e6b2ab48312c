#include "common/address.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/credentials.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(ParseControllerAddress, TakesUnixSockets) {
  for (const std::string path : {"/run/x.sock", "relative.sock"}) {
    const auto address = ParseControllerAddress("unix:" + path);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_TRUE(address->is_unix());
    EXPECT_EQ(address->path, path);
    EXPECT_FALSE(address->is_loopback());
  }
}

TEST(ParseControllerAddress, TellsLoopbackFromTheRest) {
  for (const char* text : {"127.0.0.1:5000", "127.8.9.10:0", "[::1]:65535",
                           "[::ffff:127.0.0.1]:80", "localhost:80"}) {
    const auto address = ParseControllerAddress(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_TRUE(address->is_loopback()) << text;
  }
  for (const char* text :
       {"10.0.0.1:5000", "0.0.0.0:5000", "[::]:5000", "example.org:443",
        "[2001:db8::1]:1", "localhost.evil.example:80"}) {
    const auto address = ParseControllerAddress(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_FALSE(address->is_loopback()) << text;
  }
}

TEST(ParseControllerAddress, TakesTheBracketsOffAndReadsThePort) {
  const auto address = ParseControllerAddress("[2001:db8::1]:7400");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->host, "2001:db8::1");
  EXPECT_EQ(address->port, 7400);
}

TEST(ParseControllerAddress, RefusesWhatIsNoAddress) {
  const std::string long_path = "unix:/" + std::string(200, 'x');
  for (const std::string& address : {std::string(),
                                     std::string("unix:"),
                                     std::string("127.0.0.1"),
                                     std::string("127.0.0.1:"),
                                     std::string("127.0.0.1:65536"),
                                     std::string("127.0.0.1:-1"),
                                     std::string("127.0.0.1:+7400"),
                                     std::string("127.0.0.1: 7400"),
                                     std::string("127.0.0.1:7400 "),
                                     std::string("127.0.0.1:0x50"),
                                     std::string("::1:7400"),
                                     std::string("2001:db8::1:7400"),
                                     std::string("[127.0.0.1]:80"),
                                     std::string("[localhost]:80"),
                                     std::string("[localhost:80"),
                                     std::string("[[::1]]:80"),
                                     std::string("[::1:80"),
                                     std::string("::1]:80"),
                                     std::string("[]:80"),
                                     std::string(":80"),
                                     std::string("two words:80"),
                                     std::string("-flag:80"),
                                     std::string("nonsense"),
                                     std::string("unix:/a\0b", 9),
                                     long_path}) {
    EXPECT_EQ(ParseControllerAddress(address).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
}

TEST(Credentials, OfTcpNeedACertificateOrLoopbackAndAFlag) {
  EXPECT_TRUE(ClientCredentials("unix:/run/x.sock", {}).ok());
  EXPECT_TRUE(ServerCredentials("unix:/run/x.sock", {}).ok());
  for (const char* address : {"127.0.0.1:80", "192.0.2.1:80"}) {
    EXPECT_TRUE(
        absl::IsFailedPrecondition(ClientCredentials(address, {}).status()))
        << address;
    EXPECT_TRUE(
        absl::IsFailedPrecondition(ServerCredentials(address, {}).status()))
        << address;
  }
  ClientSecurity client;
  client.insecure_loopback = true;
  EXPECT_TRUE(ClientCredentials("127.0.0.1:80", client).ok());
  EXPECT_FALSE(ClientCredentials("192.0.2.1:80", client).ok());
  ServerSecurity server;
  server.insecure_loopback = true;
  EXPECT_TRUE(ServerCredentials("[::1]:80", server).ok());
  EXPECT_FALSE(ServerCredentials("0.0.0.0:80", server).ok());
}

TEST(UnixSocketPath, IsEmptyForTcp) {
  EXPECT_EQ(UnixSocketPath("unix:/run/x.sock"), "/run/x.sock");
  EXPECT_EQ(UnixSocketPath("127.0.0.1:1"), "");
}

}  // namespace
}  // namespace ephemera
