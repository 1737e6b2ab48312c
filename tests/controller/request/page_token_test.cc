#include "controller/request/page_token.h"

#include <string>

#include "ephemera/v1/flow_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

TEST(PageToken, KeepsItsPosition) {
  const std::string token = EncodePageToken(42, "web 1/2");
  EXPECT_EQ(*DecodePageToken(42, token), "web 1/2");
  EXPECT_EQ(token.find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                "-_"),
            std::string::npos);
}

TEST(PageToken, IsRefusedForAnotherListing) {
  const absl::Status status =
      DecodePageToken(43, EncodePageToken(42, "x")).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("was given for another request"));
}

TEST(PageToken, GarbageIsRefused) {
  for (const std::string& token :
       {std::string("!"), std::string("abc"), std::string(10'000, 'a')}) {
    const absl::Status status = DecodePageToken(42, token).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("page_token: '"));
  }
}

TEST(ListingHash, DependsOnTheFilterButNotOnThePage) {
  v1::ListFlowGroupsRequest request;
  request.mutable_filter()->set_port(80);
  const uint64_t hash = ListingHash(request);
  request.set_page_size(5);
  request.set_page_token("t");
  EXPECT_EQ(ListingHash(request), hash);
  request.mutable_filter()->set_port(81);
  EXPECT_NE(ListingHash(request), hash);
}

TEST(PageSize, HasADefaultAndBounds) {
  EXPECT_EQ(*PageSize("page_size", 0, 100, 1000), 100);
  EXPECT_EQ(*PageSize("page_size", 1000, 100, 1000), 1000);
  EXPECT_EQ(PageSize("page_size", 1001, 100, 1000).status().message(),
            "page_size: 1001 is above 1000");
  EXPECT_EQ(PageSize("page_size", -1, 100, 1000).status().message(),
            "page_size: -1 is below 0");
}

}  // namespace
}  // namespace ephemera::controller
