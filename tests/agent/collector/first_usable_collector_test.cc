#include "agent/collector/first_usable_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Prefers inet_diag to /proc/net/tcp. Each shows one socket, its own.
class FirstUsableCollectorTest : public testing::Test {
 protected:
  FirstUsableCollectorTest() {
    auto inet_diag =
        std::make_unique<FakeSocketCollector>(v1::SOCKET_SOURCE_INET_DIAG);
    auto proc =
        std::make_unique<FakeSocketCollector>(v1::SOCKET_SOURCE_PROC_NET_TCP);
    inet_diag->SetSockets(
        {MakeSocketRecord(TcpState::kTimeWait, "10.0.0.1", 1, "10.0.0.2", 80)});
    proc->SetSockets(
        {MakeSocketRecord(TcpState::kTimeWait, "10.0.0.1", 2, "10.0.0.2", 80)});
    inet_diag_ = inet_diag.get();
    proc_ = proc.get();
    std::vector<std::unique_ptr<SocketCollector>> candidates;
    candidates.push_back(std::move(inet_diag));
    candidates.push_back(std::move(proc));
    collector_ = std::make_unique<FirstUsableCollector>(std::move(candidates));
  }

  // Expects a dump to hand on the one socket with `local_port`.
  void ExpectDump(uint16_t local_port) {
    RecordingSocketSink sink;
    const absl::Status status = collector_->Dump(sink);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_THAT(sink.records(), SizeIs(1));
    EXPECT_EQ(sink.records()[0].local_port, local_port);
  }

  std::unique_ptr<FirstUsableCollector> collector_;
  FakeSocketCollector* inet_diag_;
  FakeSocketCollector* proc_;
};

TEST_F(FirstUsableCollectorTest, KeepsWhatWorks) {
  ASSERT_TRUE(collector_->Decide().ok());
  ExpectDump(1);
  EXPECT_EQ(inet_diag_->dumps(), 2);

  // Also when it does not work for once.
  inet_diag_->SetStatus(absl::InternalError("garbled"));
  RecordingSocketSink sink;
  EXPECT_TRUE(absl::IsInternal(collector_->Dump(sink)));
  EXPECT_EQ(collector_->source(), v1::SOCKET_SOURCE_INET_DIAG);
  EXPECT_EQ(proc_->dumps(), 0);
}

TEST_F(FirstUsableCollectorTest, FallsBackAndSaysSo) {
  inet_diag_->SetStatus(absl::UnimplementedError("inet_diag: no such file"));
  testing::internal::CaptureStderr();
  const absl::Status status = collector_->Decide();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("inet_diag: no such file; reading sockets from "
                        "/proc/net/tcp and tcp6 instead"));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(collector_->source(), v1::SOCKET_SOURCE_PROC_NET_TCP);
  ExpectDump(2);
}

TEST_F(FirstUsableCollectorTest, AFaultThatMayPassDecidesNothing) {
  inet_diag_->SetStatus(absl::UnavailableError("busy"));
  EXPECT_TRUE(absl::IsUnavailable(collector_->Decide()));
  RecordingSocketSink sink;
  EXPECT_TRUE(absl::IsUnavailable(collector_->Dump(sink)));
  EXPECT_THAT(sink.records(), IsEmpty());
  EXPECT_EQ(collector_->source(), v1::SOCKET_SOURCE_INET_DIAG);
  EXPECT_EQ(proc_->dumps(), 0);

  inet_diag_->SetStatus(absl::OkStatus());
  ExpectDump(1);
}

TEST_F(FirstUsableCollectorTest, FallsBackAfterAFaultThatPassed) {
  inet_diag_->SetStatus(absl::UnavailableError("busy"));
  EXPECT_TRUE(absl::IsUnavailable(collector_->Decide()));
  inet_diag_->SetStatus(absl::PermissionDeniedError("not permitted"));
  ExpectDump(2);
  EXPECT_EQ(collector_->source(), v1::SOCKET_SOURCE_PROC_NET_TCP);
}

TEST_F(FirstUsableCollectorTest, WithoutAnySourceItFails) {
  inet_diag_->SetStatus(absl::UnimplementedError("no inet_diag"));
  proc_->SetStatus(absl::UnimplementedError("no /proc"));
  const absl::Status status = collector_->Decide();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("no /proc"));
}

}  // namespace
}  // namespace ephemera::agent
