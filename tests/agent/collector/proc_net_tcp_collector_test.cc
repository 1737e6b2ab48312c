#include "agent/collector/proc_net_tcp_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/ip_address.h"
#include "common/tcp_state.h"
#include "tests/agent/collector/temp_tree.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kHeading[] = "  sl  local_address rem_address   st\n";
constexpr char kTcp[] = "proc/net/tcp";
constexpr char kTcp6[] = "proc/net/tcp6";

std::string Line(TcpState state, int local_port, int inode = 0) {
  return absl::StrFormat(
      "   0: 0100007F:%04X 0100007F:1F90 %02X 00000000:00000000 03:00000064 "
      "00000000     0        0 %d 3 00000000ec0b759c%22s\n",
      local_port, static_cast<int>(state), inode, "");
}

// "ESTAB 127.0.0.1:40000 127.0.0.1:80".
std::vector<std::string> Describe(const RecordingSocketSink& sink) {
  std::vector<std::string> lines;
  for (const SocketRecord& record : sink.records()) {
    const TcpStateField& field =
        kTcpStateFields.at(static_cast<size_t>(record.state) - 1);
    lines.push_back(absl::StrCat(
        std::string(field.label), " ",
        FormatEndpoint(record.local_address.ToString(), record.local_port), " ",
        FormatEndpoint(record.remote_address.ToString(), record.remote_port)));
  }
  return lines;
}

class ProcNetTcpCollectorTest : public testing::Test {
 protected:
  absl::Status Dump() {
    sink_ = RecordingSocketSink();
    return collector_.Dump(sink_);
  }

  FakeClock clock_;
  TempTree tree_;
  ProcNetTcpCollector collector_{clock_, tree_.root()};
  RecordingSocketSink sink_;
};

TEST_F(ProcNetTcpCollectorTest, ReadsBothFilesListenersFirst) {
  ProcNetTcpCollector collector(clock_, kModernTree);
  ASSERT_TRUE(collector.Dump(sink_).ok());
  EXPECT_THAT(
      Describe(sink_),
      ElementsAre("LISTEN 127.0.0.1:8080 0.0.0.0:0", "LISTEN [::]:5774 [::]:0",
                  "CLOSE-WAIT 127.0.0.1:8080 127.0.0.1:34274",
                  "TIME-WAIT 127.0.0.1:34268 127.0.0.1:8080",
                  "FIN-WAIT-2 127.0.0.1:34274 127.0.0.1:8080",
                  "ESTAB 127.0.0.1:34282 127.0.0.1:8080",
                  "ESTAB 127.0.0.1:8080 127.0.0.1:34282",
                  "ESTAB 127.0.0.1:33762 127.0.0.1:5774",
                  "TIME-WAIT [::1]:51310 [::1]:5774",
                  "ESTAB 127.0.0.1:5774 127.0.0.1:33762"));
  EXPECT_EQ(sink_.records()[0].receive_queue, 1u);
  EXPECT_EQ(sink_.records()[3].expires_ms, 60'000u);
  EXPECT_EQ(sink_.records()[4].expires_ms, 30'000u);
  EXPECT_EQ(sink_.records()[9].receive_queue, 5u);
  EXPECT_EQ(sink_.records()[9].read_time_us,
            absl::ToInt64Microseconds(clock_.BootTime()));
  EXPECT_EQ(collector.malformed_lines(), 0u);
  EXPECT_EQ(collector.source(), v1::SOCKET_SOURCE_PROC_NET_TCP);
}

TEST_F(ProcNetTcpCollectorTest, AnOldKernelWithoutIpv6IsFine) {
  ProcNetTcpCollector collector(clock_, absl::StrCat(kOldTree, "/"));
  ASSERT_TRUE(collector.Dump(sink_).ok());
  EXPECT_THAT(Describe(sink_),
              ElementsAre("LISTEN 0.0.0.0:22 0.0.0.0:0",
                          "TIME-WAIT 192.168.1.2:32768 192.168.1.1:80"));
}

TEST_F(ProcNetTcpCollectorTest, WithoutTheFileItIsUnimplemented) {
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
}

TEST_F(ProcNetTcpCollectorTest, AFileThatCannotBeReadIsUnavailable) {
  // Reading a directory is EISDIR.
  tree_.Write("proc/net/tcp/inside", "");
  absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;

  std::filesystem::remove_all(tree_.Path(kTcp));
  tree_.Write(kTcp, kHeading);
  tree_.Write("proc/net/tcp6/inside", "");
  status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;

  std::filesystem::remove_all(tree_.Path(kTcp6));
  EXPECT_TRUE(Dump().ok());
}

TEST_F(ProcNetTcpCollectorTest, EmptyFilesHoldNoSockets) {
  tree_.Write(kTcp, "");
  tree_.Write(kTcp6, kHeading);
  EXPECT_TRUE(Dump().ok());
  EXPECT_THAT(sink_.records(), IsEmpty());
  EXPECT_EQ(collector_.malformed_lines(), 0u);
}

TEST_F(ProcNetTcpCollectorTest, SkipsAndCountsMalformedLines) {
  tree_.Write(
      kTcp,
      absl::StrCat(kHeading, Line(TcpState::kListen, 1, 7), "\n", "garbage\n",
                   std::string(100'000, 'x'), "\n",
                   Line(TcpState::kEstablished, 2, 8), std::string("\0\0\n", 3),
                   Line(TcpState::kTimeWait, 3), "   9: 0100007F"));
  ASSERT_TRUE(Dump().ok());
  EXPECT_THAT(Describe(sink_), ElementsAre("LISTEN 127.0.0.1:1 127.0.0.1:8080",
                                           "ESTAB 127.0.0.1:2 127.0.0.1:8080",
                                           "TIME-WAIT 127.0.0.1:3 "
                                           "127.0.0.1:8080"));
  EXPECT_EQ(collector_.malformed_lines(), 5u);
}

TEST_F(ProcNetTcpCollectorTest, AFileOfWhichNothingIsUnderstoodIsAnError) {
  tree_.Write(kTcp, absl::StrCat(kHeading, "garbage\n", "more of it\n"));
  absl::Status status = Dump();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("/proc/net/tcp:"));
  EXPECT_THAT(status.message(), HasSubstr(" 2 in all"));

  tree_.Write(kTcp, absl::StrCat(kHeading, Line(TcpState::kListen, 1, 7)));
  tree_.Write(kTcp6, absl::StrCat(kHeading, "garbage\n"));
  status = Dump();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("/proc/net/tcp6:"));

  // The next dump does not remember it.
  tree_.Write(kTcp6, kHeading);
  EXPECT_TRUE(Dump().ok());
}

TEST_F(ProcNetTcpCollectorTest, SaysOnceAMinuteThatLinesAreMalformed) {
  tree_.Write(kTcp, absl::StrCat(kHeading, "garbage\n", "more of it\n",
                                 Line(TcpState::kEstablished, 2, 8)));
  testing::internal::CaptureStderr();
  ASSERT_TRUE(Dump().ok());
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("not understood: 2 of the last dump"));

  testing::internal::CaptureStderr();
  clock_.Advance(absl::Seconds(59));
  ASSERT_TRUE(Dump().ok());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());

  testing::internal::CaptureStderr();
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Dump().ok());
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("not understood: 2 of the last dump"));
}

TEST_F(ProcNetTcpCollectorTest, AnEndlessLastLineCountsOnce) {
  tree_.Write(kTcp, absl::StrCat(kHeading, Line(TcpState::kTimeWait, 3),
                                 std::string(100'000, 'x')));
  ASSERT_TRUE(Dump().ok());
  EXPECT_EQ(collector_.malformed_lines(), 1u);
  // The next dump does not remember it.
  tree_.Write(kTcp, absl::StrCat(kHeading, Line(TcpState::kTimeWait, 3)));
  ASSERT_TRUE(Dump().ok());
  EXPECT_EQ(sink_.records().size(), 1u);
}

TEST_F(ProcNetTcpCollectorTest, ReadsFilesLongerThanItsBuffer) {
  std::string text = kHeading;
  for (int port = 1; port <= 5000; ++port) {
    text += Line(TcpState::kTimeWait, port);
  }
  tree_.Write(kTcp, text);
  for (int dump = 0; dump < 2; ++dump) {
    ASSERT_TRUE(Dump().ok());
    ASSERT_EQ(sink_.records().size(), 5000u);
    for (int port = 1; port <= 5000; ++port) {
      ASSERT_EQ(sink_.records()[port - 1].local_port, port);
    }
  }
  EXPECT_EQ(collector_.malformed_lines(), 0u);
}

TEST_F(ProcNetTcpCollectorTest, KeepsListenersThatShareAPort) {
  tree_.Write(kTcp, absl::StrCat(kHeading, Line(TcpState::kListen, 80, 7),
                                 Line(TcpState::kListen, 80, 8)));
  ASSERT_TRUE(Dump().ok());
  EXPECT_EQ(sink_.records().size(), 2u);
}

}  // namespace
}  // namespace ephemera::agent
