#include "common/proto_time.h"

#include "common/grpc_status.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(ProtoTime, SurvivesTheRoundTrip) {
  const absl::Time time = absl::FromUnixMicros(1'800'000'000'123'456);
  EXPECT_EQ(*FromProto(ToProto(time)), time);
  const absl::Duration before = absl::Microseconds(-1'500'000);
  EXPECT_EQ(*FromProto(ToProto(before)), before);
}

TEST(ProtoTime, RefusesBrokenMessages) {
  google::protobuf::Timestamp time;
  time.set_nanos(1'000'000'000);
  EXPECT_FALSE(FromProto(time).ok());
  time.set_nanos(0);
  time.set_seconds(int64_t{1} << 60);
  EXPECT_FALSE(FromProto(time).ok());
  google::protobuf::Duration duration;
  duration.set_seconds(1);
  duration.set_nanos(-1);
  EXPECT_FALSE(FromProto(duration).ok());
}

// They may come from a file or a database that somebody changed.
TEST(ProtoTime, TimesBeyondTheTypeAreItsFirstOrLastSecond) {
  EXPECT_EQ(*FromProto(ToProto(absl::InfiniteFuture())),
            absl::FromUnixSeconds(253'402'300'799));
  EXPECT_EQ(*FromProto(ToProto(absl::InfinitePast())),
            absl::FromUnixSeconds(-62'135'596'800));
  EXPECT_EQ(*FromProto(ToProto(absl::FromUnixMicros(INT64_MAX))),
            absl::FromUnixSeconds(253'402'300'799));
  EXPECT_EQ(*FromProto(ToProto(absl::InfiniteDuration())),
            absl::Seconds(315'576'000'000));
  EXPECT_EQ(*FromProto(ToProto(-absl::InfiniteDuration())),
            absl::Seconds(-315'576'000'000));
}

TEST(GrpcStatus, KeepsCodeAndMessage) {
  const absl::Status status = absl::AlreadyExistsError("taken");
  EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

}  // namespace
}  // namespace ephemera
