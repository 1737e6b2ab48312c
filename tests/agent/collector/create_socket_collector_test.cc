#include "agent/collector/create_socket_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "tests/agent/collector/temp_tree.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<FakeSocketCollector> Fake(v1::SocketSource source,
                                          absl::Status status) {
  auto fake = std::make_unique<FakeSocketCollector>(source);
  fake->SetStatus(std::move(status));
  return fake;
}

// Chooses between inet_diag, which returns `status`, and a working fallback.
absl::StatusOr<std::unique_ptr<SocketCollector>> Choose(absl::Status status) {
  return FirstUsable(Fake(v1::SOCKET_SOURCE_INET_DIAG, std::move(status)),
                     Fake(v1::SOCKET_SOURCE_PROC_NET_TCP, absl::OkStatus()));
}

TEST(ParseSocketSourceChoiceTest, KnowsItsWords) {
  EXPECT_EQ(*ParseSocketSourceChoice("auto"), SocketSourceChoice::kAuto);
  EXPECT_EQ(*ParseSocketSourceChoice("inet_diag"),
            SocketSourceChoice::kInetDiag);
  EXPECT_EQ(*ParseSocketSourceChoice("proc"), SocketSourceChoice::kProc);
  const absl::Status status = ParseSocketSourceChoice("netlink").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("netlink"));
}

TEST(CreateSocketCollectorTest, KeepsWhatWorks) {
  const auto chosen = Choose(absl::OkStatus());
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_EQ((*chosen)->source(), v1::SOCKET_SOURCE_INET_DIAG);
}

TEST(CreateSocketCollectorTest, AFaultThatMayPassIsNoReasonToFallBack) {
  const auto chosen = Choose(absl::UnavailableError("busy"));
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_EQ((*chosen)->source(), v1::SOCKET_SOURCE_INET_DIAG);
}

TEST(CreateSocketCollectorTest, FallsBackAndSaysSo) {
  for (const absl::Status& status :
       {absl::UnimplementedError("inet_diag: no such file"),
        absl::PermissionDeniedError("inet_diag: not permitted")}) {
    testing::internal::CaptureStderr();
    const auto chosen = Choose(status);
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                HasSubstr("reading sockets from /proc/net/tcp instead"));
    ASSERT_TRUE(chosen.ok()) << chosen.status();
    EXPECT_EQ((*chosen)->source(), v1::SOCKET_SOURCE_PROC_NET_TCP);
  }
}

TEST(CreateSocketCollectorTest, WithoutAnySourceItFails) {
  const auto chosen =
      FirstUsable(Fake(v1::SOCKET_SOURCE_INET_DIAG,
                       absl::UnimplementedError("no inet_diag")),
                  Fake(v1::SOCKET_SOURCE_PROC_NET_TCP,
                       absl::UnimplementedError("no /proc")));
  EXPECT_TRUE(absl::IsUnimplemented(chosen.status()));
  EXPECT_THAT(chosen.status().message(), HasSubstr("no /proc"));
}

TEST(CreateSocketCollectorTest, ReadsProcUnderTheRootWhenAskedTo) {
  const SystemClock clock;
  const auto collector =
      CreateSocketCollector(SocketSourceChoice::kProc, kModernTree, clock);
  ASSERT_TRUE(collector.ok()) << collector.status();
  RecordingSocketSink sink;
  ASSERT_TRUE((*collector)->Dump(sink).ok());
  EXPECT_EQ(sink.records().size(), 10u);

  const TempTree empty{};
  EXPECT_TRUE(absl::IsUnimplemented(
      CreateSocketCollector(SocketSourceChoice::kProc, empty.root(), clock)
          .status()));
}

}  // namespace
}  // namespace ephemera::agent
