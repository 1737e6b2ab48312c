#include "common/ip_address.h"

#include "absl/hash/hash_testing.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(IpAddress, WritesCanonicalText) {
  EXPECT_EQ(IpAddress::Parse("192.0.2.7")->ToString(), "192.0.2.7");
  EXPECT_EQ(IpAddress::Parse("2001:DB8:0:0::1")->ToString(), "2001:db8::1");
  EXPECT_EQ(IpAddress().ToString(), "::");
}

TEST(IpAddress, TakesV4MappedForV4) {
  const IpAddress mapped = *IpAddress::Parse("::ffff:192.0.2.7");
  EXPECT_EQ(mapped, *IpAddress::Parse("192.0.2.7"));
  EXPECT_TRUE(mapped.IsV4());
  EXPECT_EQ(mapped.ToString(), "192.0.2.7");
}

TEST(IpAddress, KnowsLoopback) {
  EXPECT_TRUE(IpAddress::Parse("127.9.0.1")->IsLoopback());
  EXPECT_TRUE(IpAddress::Parse("::1")->IsLoopback());
  EXPECT_FALSE(IpAddress::Parse("::2")->IsLoopback());
}

TEST(IpAddress, RefusesOtherText) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "host", "fe80::1%eth0"}) {
    EXPECT_FALSE(IpAddress::Parse(text).ok()) << text;
  }
}

TEST(IpAddress, RefusesTextWithNul) {
  for (const absl::string_view text :
       {absl::string_view("10.0.0.1\0", 9),
        absl::string_view("10.0.0.1\0x", 10), absl::string_view("::1\0", 4),
        absl::string_view("\0::1", 4)}) {
    EXPECT_EQ(IpAddress::Parse(text).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(IpAddress, HashesAsItCompares) {
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(
      {IpAddress(), *IpAddress::Parse("10.0.0.1"), *IpAddress::Parse("::1"),
       *IpAddress::Parse("::ffff:10.0.0.1")}));
}

TEST(FormatEndpoint, BracketsV6) {
  EXPECT_EQ(FormatEndpoint("10.0.0.1", 80), "10.0.0.1:80");
  EXPECT_EQ(FormatEndpoint("::1", 80), "[::1]:80");
}

}  // namespace
}  // namespace ephemera
