#include "agent/collector/counter_collector.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/collector/counter_parser.h"
#include "tests/agent/collector/temp_tree.h"

namespace ephemera::agent {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::GaugeSample Gauge(const char* text) {
  v1::GaugeSample sample;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &sample));
  return sample;
}

void ExpectSame(const v1::GaugeSample& actual,
                const v1::GaugeSample& expected) {
  EXPECT_TRUE(MessageDifferencer::Equals(actual, expected))
      << actual.DebugString();
}

TEST(CounterCollectorTest, ReadsEveryField) {
  CounterCollector collector(kModernTree);
  v1::GaugeSample sample;
  collector.Read(sample);
  ExpectSame(sample, Gauge(R"pb(
               sockets_used: 188
               tcp_inuse: 17
               tcp_orphan: 3
               tcp_tw: 28232
               tcp_alloc: 21
               tcp_mem_pages: 107
               tcp6_inuse: 9
               curr_estab: 508
               active_opens: 504
               passive_opens: 505
               attempt_fails: 506
               estab_resets: 507
               retrans_segs: 511
               out_rsts: 513
               tw: 1010
               tw_recycled: 1011
               tw_killed: 1012
               tcp_time_wait_overflow: 1077
               paws_active: 1013
               paws_estab: 1014
               tcp_ack_skipped_time_wait: 1110
               listen_overflows: 1022
               listen_drops: 1023
               tcp_req_q_full_drop: 1079
             )pb"));
}

TEST(CounterCollectorTest, OldKernelsReportLessAndInAnotherOrder) {
  CounterCollector collector(absl::StrCat(kOldTree, "/"));
  v1::GaugeSample sample;
  collector.Read(sample);
  // Absent: what is missing, and the malformed mem, AttemptFails and TWKilled.
  ExpectSame(sample, Gauge(R"pb(
               sockets_used: 42
               tcp_inuse: 5
               tcp_tw: 7
               curr_estab: 3
               active_opens: 11
               passive_opens: 12
               retrans_segs: 14
               tw: 31
               tw_recycled: 32
               paws_active: 34
               listen_drops: 38
             )pb"));
}

TEST(CounterCollectorTest, LeavesTimesAndCostAlone) {
  CounterCollector collector(kModernTree);
  v1::GaugeSample sample;
  sample.set_boottime_us(5);
  sample.set_wall_time_us(6);
  sample.mutable_cost()->set_cpu_ns(7);
  collector.Read(sample);
  EXPECT_EQ(sample.boottime_us(), 5);
  EXPECT_EQ(sample.wall_time_us(), 6);
  EXPECT_EQ(sample.cost().cpu_ns(), 7);
}

TEST(CounterCollectorTest, MissingFilesLeaveTheirFieldsAbsent) {
  const TempTree tree{};
  CounterCollector collector(tree.root());
  v1::GaugeSample sample;
  collector.Read(sample);
  ExpectSame(sample, v1::GaugeSample());
}

TEST(CounterCollectorTest, SeesNewValuesOnTheSameFile) {
  const TempTree tree{};
  tree.Write("proc/net/sockstat", "TCP: inuse 1 tw 100\n");
  CounterCollector collector(tree.root());
  v1::GaugeSample first;
  collector.Read(first);
  ExpectSame(first, Gauge("tcp_inuse: 1 tcp_tw: 100"));
  tree.Write("proc/net/sockstat", "TCP: inuse 2\n");
  v1::GaugeSample second;
  collector.Read(second);
  ExpectSame(second, Gauge("tcp_inuse: 2"));
}

TEST(CounterCollectorTest, OpensAFileAgainAfterAnError) {
  const TempTree tree{};
  // Reading a directory is EISDIR.
  tree.Write("proc/net/sockstat/inside", "");
  CounterCollector collector(tree.root());
  v1::GaugeSample sample;
  collector.Read(sample);
  ExpectSame(sample, v1::GaugeSample());
  std::filesystem::remove_all(tree.Path("proc/net/sockstat"));
  tree.Write("proc/net/sockstat", "TCP: inuse 1\n");
  collector.Read(sample);
  ExpectSame(sample, Gauge("tcp_inuse: 1"));
}

TEST(CounterCollectorTest, TextBeyondTheBufferIsAbsent) {
  const TempTree tree{};
  tree.Write("proc/net/sockstat",
             absl::StrCat("TCP: inuse 1\n",
                          std::string(CounterCollector::kBufferSize - 18, 'x'),
                          "\nTCP: inuse 23\n"));
  CounterCollector collector(tree.root());
  v1::GaugeSample sample;
  collector.Read(sample);
  ExpectSame(sample, Gauge("tcp_inuse: 1"));
}

TEST(ParseCounterTableTest, PairsLinesBySection) {
  v1::GaugeSample sample;
  ParseCounterTable(
      "Tcp: ActiveOpens\n"  // its values are missing
      "TcpExt: TW PAWSActive\n"
      "TcpExt: 5\n"  // fewer values than names
      "Tcp: PassiveOpens\n"
      "Tcp: 6 7\n"  // more values than names
      "\n"
      "TcpExt:\n"
      "TcpExt:\n"
      "Other: TW\n"
      "Other: 99\n"
      "TcpExt: TWRecycled\n"
      "TcpExt: 8",  // cut short
      sample);
  ExpectSame(sample, Gauge("tw: 5 passive_opens: 6"));
}

TEST(ParseCounterTableTest, MalformedNumbersAreAbsent) {
  for (const char* const value :
       {"-1", "x", "1x", "0x10", "1.5", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "\xff"}) {
    v1::GaugeSample sample;
    ParseCounterTable(
        absl::StrCat("TcpExt: TW TWKilled\nTcpExt: ", value, " 3\n"), sample);
    ExpectSame(sample, Gauge("tw_killed: 3"));
  }
  v1::GaugeSample sample;
  ParseCounterTable("TcpExt: TW\nTcpExt: 9223372036854775807\n", sample);
  EXPECT_EQ(sample.tw(), 9223372036854775807u);
}

TEST(ParseSockstatTest, TakesNoisyText) {
  v1::GaugeSample sample;
  ParseSockstat(
      "\n\n  \nTCP:\nTCP: inuse\nTCP: tw x orphan 4 inuse\nUDP: inuse 8\n"
      "TCP inuse 9\nsockets:   used   12  \nTCP6: tw 3 inuse 2",
      sample);
  ExpectSame(sample, Gauge("tcp_orphan: 4 sockets_used: 12"));
}

}  // namespace
}  // namespace ephemera::agent
