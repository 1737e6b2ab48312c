#include "common/tcp_state.h"

#include <limits>

#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(TcpState, FieldsFollowTheKernelsNumbers) {
  const auto* descriptor = v1::StateCounts::descriptor();
  for (size_t i = 0; i < kTcpStateFields.size(); ++i) {
    const TcpStateField& field = kTcpStateFields[i];
    EXPECT_EQ(static_cast<size_t>(field.state), i + 1);
    const auto* proto_field = descriptor->FindFieldByNumber(int(i) + 1);
    ASSERT_NE(proto_field, nullptr);
    EXPECT_EQ(proto_field->name(), field.name);
    v1::StateCounts counts;
    (counts.*field.set)(7);
    EXPECT_EQ(counts.GetReflection()->GetUInt32(counts, proto_field), 7u);
    EXPECT_EQ((counts.*field.get)(), 7u);
  }
}

TEST(TcpState, SumsSaturateAndTotalsDoNotWrap) {
  v1::StateCounts sum;
  sum.set_time_wait(std::numeric_limits<uint32_t>::max());
  sum.set_established(3);
  const v1::StateCounts part = sum;
  AddCounts(part, sum);
  EXPECT_EQ(sum.time_wait(), std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(sum.established(), 6u);
  EXPECT_EQ(TotalSockets(sum),
            uint64_t{std::numeric_limits<uint32_t>::max()} + 6);
}

TEST(TcpState, MaxTakesTheHigherOfEach) {
  v1::StateCounts high;
  high.set_listen(2);
  v1::StateCounts other;
  other.set_listen(1);
  other.set_closing(5);
  MaxCounts(other, high);
  EXPECT_EQ(high.listen(), 2u);
  EXPECT_EQ(high.closing(), 5u);
}

}  // namespace
}  // namespace ephemera
