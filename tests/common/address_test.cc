#include "common/address.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/credentials.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(CheckLocalAddress, TakesUnixSocketsAndLoopback) {
  for (const char* address : {"unix:/run/x.sock", "unix:relative.sock",
                              "127.0.0.1:5000", "127.8.9.10:0", "[::1]:65535",
                              "[::ffff:127.0.0.1]:80", "localhost:80"}) {
    EXPECT_TRUE(CheckLocalAddress(address).ok()) << address;
  }
}

TEST(CheckLocalAddress, RefusesOtherHostsAndSaysWhy) {
  for (const char* address :
       {"10.0.0.1:5000", "0.0.0.0:5000", "[::]:5000", "example.org:443",
        "[2001:db8::1]:1", "localhost.evil.example:80"}) {
    const absl::Status status = CheckLocalAddress(address);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << address;
    EXPECT_TRUE(absl::StrContains(status.message(), "TLS")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), address)) << status;
  }
}

TEST(CheckLocalAddress, RefusesWhatIsNoAddress) {
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
                                     std::string("nonsense"),
                                     std::string("unix:/a\0b", 9),
                                     long_path}) {
    EXPECT_EQ(CheckLocalAddress(address).code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
}

TEST(Credentials, AreGivenForThisHostOnly) {
  EXPECT_TRUE(ClientCredentials("unix:/run/x.sock").ok());
  EXPECT_TRUE(ServerCredentials("127.0.0.1:0").ok());
  EXPECT_FALSE(ClientCredentials("192.0.2.1:80").ok());
  EXPECT_FALSE(ServerCredentials("0.0.0.0:80").ok());
}

TEST(UnixSocketPath, IsEmptyForTcp) {
  EXPECT_EQ(UnixSocketPath("unix:/run/x.sock"), "/run/x.sock");
  EXPECT_EQ(UnixSocketPath("127.0.0.1:1"), "");
}

}  // namespace
}  // namespace ephemera
