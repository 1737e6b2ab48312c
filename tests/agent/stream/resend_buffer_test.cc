#include "agent/stream/resend_buffer.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/agent/stream/batches.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kMib = 1 << 20;
constexpr int64_t kSecond = 1'000'000;

// Everything that Next() hands out, until it stops.
std::vector<v1::SampleBatch> TakeAll(ResendBuffer& buffer) {
  std::vector<v1::SampleBatch> taken;
  while (std::optional<v1::SampleBatch> batch = buffer.Next()) {
    taken.push_back(*std::move(batch));
  }
  return taken;
}

std::vector<uint64_t> Sequences(const std::vector<v1::SampleBatch>& batches) {
  std::vector<uint64_t> sequences;
  sequences.reserve(batches.size());
  for (const v1::SampleBatch& batch : batches) {
    sequences.push_back(batch.sequence());
  }
  return sequences;
}

void AddGauges(ResendBuffer& buffer, int count) {
  for (int i = 0; i < count; ++i) buffer.Add(MakeGaugeBatch(i));
}

// A batch of about `bytes` with one snapshot.
v1::SampleBatch MakeLargeBatch(size_t bytes, int64_t boottime_us) {
  v1::SampleBatch batch;
  v1::Snapshot& snapshot = *batch.add_snapshots();
  snapshot.set_boottime_us(boottime_us);
  snapshot.add_listeners()->set_address(std::string(bytes, 'a'));
  return batch;
}

// As large as they get: every counter of a busy host is there.
v1::GaugeSample MakeFullGauge(int64_t boottime_us) {
  v1::GaugeSample gauge = MakeGauge(boottime_us);
  gauge.set_wall_time_us(1'800'000'000 * kSecond);
  gauge.mutable_cost()->set_cpu_ns(100'000);
  gauge.mutable_cost()->set_elapsed_ns(200'000);
  const google::protobuf::Descriptor& type = *gauge.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT64) {
      gauge.GetReflection()->SetUInt64(&gauge, &field, 10'000'000'000);
    }
  }
  return gauge;
}

// 64 groups, 64 remainders per service port, and the last remainder.
v1::Snapshot MakeFullSnapshot(int64_t boottime_us) {
  v1::Snapshot snapshot;
  snapshot.set_boottime_us(boottime_us);
  snapshot.set_wall_time_us(1'800'000'000 * kSecond);
  for (int i = 0; i < 129; ++i) {
    v1::FlowGroup& group = *snapshot.add_flow_groups();
    group.mutable_key()->set_direction(v1::DIRECTION_OUTBOUND);
    group.mutable_key()->set_service_port(5774);
    if (i < 64) {
      group.mutable_key()->set_local_address("192.168.100.100");
      group.mutable_key()->set_remote_address("192.168.200.200");
    }
    group.mutable_states()->set_established(1000);
    group.mutable_states()->set_time_wait(28'232);
    group.set_ephemeral_ports(28'232);
    group.mutable_close_history()->set_first_second(1'000'000);
    for (int second = 0; second < 60; ++second) {
      group.mutable_close_history()->add_closes(470);
    }
  }
  return snapshot;
}

TEST(ResendBuffer, NumbersBatchesFromOneAndHandsThemOutInOrder) {
  ResendBuffer buffer(kMib);
  EXPECT_EQ(buffer.Add(MakeGaugeBatch(10)), 1U);
  EXPECT_EQ(buffer.Add(MakeGaugeBatch(20)), 2U);

  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  EXPECT_THAT(Sequences(batches), ElementsAre(1, 2));
  EXPECT_EQ(batches[1].gauges(0).boottime_us(), 20);
  EXPECT_EQ(batches[1].gauges(0).tcp_tw(), 28'232U);
}

TEST(ResendBuffer, FreesWhatIsAcknowledged) {
  ResendBuffer buffer(kMib);
  AddGauges(buffer, 3);
  TakeAll(buffer);

  ASSERT_TRUE(buffer.Acknowledge(2).ok());
  EXPECT_EQ(buffer.size(), 1U);
  ASSERT_TRUE(buffer.Acknowledge(3).ok());
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(buffer.bytes(), 0U);
}

TEST(ResendBuffer, IgnoresAnAcknowledgementThatGoesBack) {
  ResendBuffer buffer(kMib);
  AddGauges(buffer, 3);
  TakeAll(buffer);
  ASSERT_TRUE(buffer.Acknowledge(2).ok());

  EXPECT_TRUE(buffer.Acknowledge(1).ok());
  EXPECT_EQ(buffer.size(), 1U);
}

TEST(ResendBuffer, DeniesAnAcknowledgementOfWhatWasNeverSent) {
  ResendBuffer buffer(kMib);
  AddGauges(buffer, 3);
  ASSERT_TRUE(buffer.Next().has_value());

  EXPECT_TRUE(absl::IsInvalidArgument(buffer.Acknowledge(2)));
  EXPECT_TRUE(absl::IsInvalidArgument(buffer.Rewind(UINT64_MAX)));
  EXPECT_EQ(buffer.size(), 3U);
}

TEST(ResendBuffer, HandsOutNoMoreThanTheWindow) {
  ResendBuffer buffer(kMib);
  AddGauges(buffer, 40);

  EXPECT_EQ(TakeAll(buffer).size(), ResendBuffer::kWindow);
  ASSERT_TRUE(buffer.Acknowledge(2).ok());
  EXPECT_THAT(Sequences(TakeAll(buffer)), ElementsAre(33, 34));
}

TEST(ResendBuffer, RewindHandsOutAgainWhatTheControllerLacks) {
  ResendBuffer buffer(kMib);
  AddGauges(buffer, 4);
  TakeAll(buffer);

  ASSERT_TRUE(buffer.Rewind(2).ok());

  EXPECT_THAT(Sequences(TakeAll(buffer)), ElementsAre(3, 4));
}

TEST(ResendBuffer, RefusedBatchIsReportedOnTheNextOne) {
  ResendBuffer buffer(kMib);
  AddGauges(buffer, 3);
  TakeAll(buffer);

  EXPECT_TRUE(buffer.Refuse(2));
  ASSERT_TRUE(buffer.Rewind(1).ok());
  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  ASSERT_THAT(Sequences(batches), ElementsAre(3));
  ASSERT_EQ(batches[0].drops_size(), 1);
  EXPECT_EQ(batches[0].drops(0).reason(), v1::DropReport::REASON_REFUSED);
  EXPECT_EQ(batches[0].drops(0).first_sequence(), 2U);
  EXPECT_EQ(batches[0].drops(0).last_sequence(), 2U);
  EXPECT_EQ(batches[0].drops(0).gauges(), 1U);
}

TEST(ResendBuffer, RefusesOnlyWhatWasHandedOut) {
  ResendBuffer buffer(kMib);
  AddGauges(buffer, 2);
  ASSERT_TRUE(buffer.Next().has_value());

  EXPECT_FALSE(buffer.Refuse(0));
  EXPECT_FALSE(buffer.Refuse(2));
  EXPECT_FALSE(buffer.Refuse(UINT64_MAX));
  EXPECT_EQ(buffer.size(), 2U);
}

TEST(ResendBuffer, DropsTheOldestWhenFull) {
  ResendBuffer buffer(kMib);
  for (int i = 1; i <= 5; ++i) {
    buffer.Add(MakeLargeBatch(kMib / 3, i * kSecond));
  }

  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  ASSERT_THAT(Sequences(batches), ElementsAre(4, 5));
  ASSERT_EQ(batches[0].drops_size(), 1);
  const v1::DropReport& report = batches[0].drops(0);
  EXPECT_EQ(report.reason(), v1::DropReport::REASON_BUFFER_FULL);
  EXPECT_EQ(report.first_sequence(), 1U);
  EXPECT_EQ(report.last_sequence(), 3U);
  EXPECT_EQ(report.snapshots(), 3U);
  EXPECT_EQ(report.gauges(), 0U);
  EXPECT_EQ(report.first_boottime_us(), 1 * kSecond);
  EXPECT_EQ(report.last_boottime_us(), 3 * kSecond);
  EXPECT_THAT(batches[1].drops(), IsEmpty());
  EXPECT_EQ(buffer.dropped(), 3U);
}

// The controller may have stored what was handed out: whether it is lost is
// known only when it says so.
TEST(ResendBuffer, SentBatchWhoseBytesWereDroppedIsNotLostWhenAcknowledged) {
  ResendBuffer buffer(kMib);
  buffer.Add(MakeLargeBatch(kMib / 2, 1 * kSecond));
  TakeAll(buffer);
  buffer.Add(MakeLargeBatch(kMib / 3, 2 * kSecond));
  buffer.Add(MakeLargeBatch(kMib / 3, 3 * kSecond));
  EXPECT_LT(buffer.bytes(), kMib);

  ASSERT_TRUE(buffer.Rewind(1).ok());
  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  ASSERT_THAT(Sequences(batches), ElementsAre(2, 3));
  EXPECT_THAT(batches[0].drops(), IsEmpty());
  EXPECT_EQ(buffer.dropped(), 0U);
}

TEST(ResendBuffer, SentBatchWhoseBytesWereDroppedIsLostWhenNotStored) {
  ResendBuffer buffer(kMib);
  buffer.Add(MakeLargeBatch(kMib / 2, 1 * kSecond));
  TakeAll(buffer);
  buffer.Add(MakeLargeBatch(kMib / 3, 2 * kSecond));
  buffer.Add(MakeLargeBatch(kMib / 3, 3 * kSecond));

  ASSERT_TRUE(buffer.Rewind(0).ok());
  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  ASSERT_THAT(Sequences(batches), ElementsAre(2, 3));
  ASSERT_EQ(batches[0].drops_size(), 1);
  EXPECT_EQ(batches[0].drops(0).last_sequence(), 1U);
}

TEST(ResendBuffer, ReportOnALostBatchIsReportedAgain) {
  ResendBuffer buffer(kMib);
  for (int i = 1; i <= 3; ++i) {
    buffer.Add(MakeLargeBatch(2 * kMib / 5, i * kSecond));
  }
  // Carries the report on batch 1, and is then lost itself.
  ASSERT_EQ(buffer.Next()->drops_size(), 1);
  buffer.Add(MakeLargeBatch(2 * kMib / 5, 4 * kSecond));

  ASSERT_TRUE(buffer.Rewind(0).ok());
  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  ASSERT_THAT(Sequences(batches), ElementsAre(3, 4));
  ASSERT_EQ(batches[0].drops_size(), 1);
  EXPECT_EQ(batches[0].drops(0).first_sequence(), 1U);
  EXPECT_EQ(batches[0].drops(0).last_sequence(), 2U);
  EXPECT_EQ(batches[0].drops(0).snapshots(), 2U);
}

TEST(ResendBuffer, BatchLargerThanAMessageIsReportedAtOnce) {
  ResendBuffer buffer(8 * kMib);
  buffer.Add(MakeLargeBatch(ResendBuffer::kMaxBatchBytes, kSecond));
  AddGauges(buffer, 1);

  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  ASSERT_THAT(Sequences(batches), ElementsAre(2));
  ASSERT_EQ(batches[0].drops_size(), 1);
  EXPECT_EQ(batches[0].drops(0).snapshots(), 1U);
}

TEST(ResendBuffer, SysctlsLostWithTheirBatchRideOnTheNextOneMade) {
  ResendBuffer buffer(kMib);
  v1::SampleBatch first = MakeLargeBatch(kMib / 2, kSecond);
  first.mutable_sysctls()->add_values()->set_key("net.ipv4.tcp_tw_reuse");
  buffer.Add(std::move(first));
  buffer.Add(MakeLargeBatch(2 * kMib / 3, 2 * kSecond));
  AddGauges(buffer, 2);

  const std::vector<v1::SampleBatch> batches = TakeAll(buffer);

  ASSERT_THAT(Sequences(batches), ElementsAre(2, 3, 4));
  EXPECT_FALSE(batches[0].has_sysctls());
  EXPECT_EQ(batches[1].sysctls().values_size(), 1);
  EXPECT_FALSE(batches[2].has_sysctls());
}

TEST(ResendBuffer, SysctlsAreSentAgainToAControllerThatForgotThem) {
  ResendBuffer buffer(kMib);
  v1::SampleBatch first = MakeGaugeBatch(1);
  first.mutable_sysctls()->add_values()->set_key("net.ipv4.tcp_tw_reuse");
  buffer.Add(std::move(first));
  TakeAll(buffer);
  ASSERT_TRUE(buffer.Acknowledge(1).ok());

  ASSERT_TRUE(buffer.Rewind(0).ok());
  AddGauges(buffer, 1);

  EXPECT_EQ(buffer.Next()->sysctls().values_size(), 1);
}

TEST(ResendBuffer, SysctlsOfARefusedBatchAreSentOnceMore) {
  ResendBuffer buffer(kMib);
  v1::SampleBatch first = MakeGaugeBatch(1);
  first.mutable_sysctls()->add_values()->set_key("net.ipv4.tcp_tw_reuse");
  buffer.Add(std::move(first));
  TakeAll(buffer);

  EXPECT_TRUE(buffer.Refuse(1));
  ASSERT_TRUE(buffer.Rewind(0).ok());
  AddGauges(buffer, 1);
  EXPECT_EQ(buffer.Next()->sysctls().values_size(), 1);

  EXPECT_TRUE(buffer.Refuse(2));
  ASSERT_TRUE(buffer.Rewind(0).ok());
  AddGauges(buffer, 1);
  EXPECT_FALSE(buffer.Next()->has_sysctls());
}

TEST(ResendBuffer, ChangedSysctlsAreSentAfterRefusedOnes) {
  ResendBuffer buffer(kMib);
  for (const uint64_t sequence : {1, 2}) {
    v1::SampleBatch batch = MakeGaugeBatch(1);
    batch.mutable_sysctls()->add_values()->set_key("net.ipv4.tcp_tw_reuse");
    buffer.Add(std::move(batch));
    TakeAll(buffer);
    EXPECT_TRUE(buffer.Refuse(sequence));
  }
  AddGauges(buffer, 1);

  EXPECT_TRUE(buffer.Next()->has_sysctls());
}

TEST(ResendBuffer, AnHourWithoutControllerFitsIntoTheDefault) {
  ResendBuffer buffer(6 * kMib);
  for (int64_t second = 0; second < 3600; ++second) {
    v1::SampleBatch batch;
    *batch.add_gauges() = MakeFullGauge(second * kSecond);
    buffer.Add(std::move(batch));
    if (second % 30 != 0) continue;
    v1::SampleBatch snapshot;
    *snapshot.add_snapshots() = MakeFullSnapshot(second * kSecond);
    buffer.Add(std::move(snapshot));
  }

  EXPECT_EQ(buffer.dropped(), 0U);
  EXPECT_EQ(buffer.size(), 3720U);
  EXPECT_LE(buffer.bytes(), 6 * kMib);
}

TEST(ResendBuffer, TwiceTheMemoryIsReportedExactly) {
  ResendBuffer buffer(8 * kMib);
  size_t made_bytes = 0;
  uint64_t made = 0;
  while (made_bytes < 16 * kMib) {
    v1::SampleBatch batch;
    *batch.add_snapshots() = MakeFullSnapshot(static_cast<int64_t>(++made));
    made_bytes += batch.ByteSizeLong();
    buffer.Add(std::move(batch));
    ASSERT_LE(buffer.bytes(), 8 * kMib);
  }

  const std::optional<v1::SampleBatch> oldest = buffer.Next();

  ASSERT_TRUE(oldest.has_value());
  ASSERT_EQ(oldest->drops_size(), 1);
  const v1::DropReport& report = oldest->drops(0);
  EXPECT_EQ(report.first_sequence(), 1U);
  EXPECT_EQ(report.last_sequence(), oldest->sequence() - 1);
  EXPECT_EQ(report.snapshots(), oldest->sequence() - 1);
  EXPECT_EQ(report.first_boottime_us(), 1);
  EXPECT_EQ(report.last_boottime_us(), oldest->snapshots(0).boottime_us() - 1);
  EXPECT_EQ(report.snapshots() + buffer.size(), made);
}

}  // namespace
}  // namespace ephemera::agent
