#include "agent/collector/create_socket_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "common/clock.h"
#include "tests/agent/collector/temp_tree.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::HasSubstr;

TEST(ParseSocketSourceChoiceTest, KnowsItsWords) {
  EXPECT_EQ(*ParseSocketSourceChoice("auto"), SocketSourceChoice::kAuto);
  EXPECT_EQ(*ParseSocketSourceChoice("inet_diag"),
            SocketSourceChoice::kInetDiag);
  EXPECT_EQ(*ParseSocketSourceChoice("proc"), SocketSourceChoice::kProc);
  const absl::Status status = ParseSocketSourceChoice("netlink").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("netlink"));
}

TEST(CreateSocketCollectorTest, ReadsProcUnderTheRootWhenAskedTo) {
  const SystemClock clock;
  const auto collector =
      CreateSocketCollector(SocketSourceChoice::kProc, kModernTree, clock);
  ASSERT_TRUE(collector.ok()) << collector.status();
  RecordingSocketSink sink;
  ASSERT_TRUE((*collector)->Dump(sink).ok());
  EXPECT_EQ(sink.records().size(), 10u);
  EXPECT_EQ((*collector)->source(), v1::SOCKET_SOURCE_PROC_NET_TCP);

  const TempTree empty{};
  EXPECT_TRUE(absl::IsUnimplemented(
      CreateSocketCollector(SocketSourceChoice::kProc, empty.root(), clock)
          .status()));
}

TEST(CreateSocketCollectorTest, AFaultThatMayPassIsNoReasonNotToStart) {
  const SystemClock clock;
  const TempTree tree{};
  // Reading a directory is EISDIR.
  tree.Write("proc/net/tcp/inside", "");
  const auto collector =
      CreateSocketCollector(SocketSourceChoice::kProc, tree.root(), clock);
  ASSERT_TRUE(collector.ok()) << collector.status();
  RecordingSocketSink sink;
  EXPECT_TRUE(absl::IsUnavailable((*collector)->Dump(sink)));
}

}  // namespace
}  // namespace ephemera::agent
