#include "agent/collector/proc_net_tcp_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/tcp_state.h"

namespace ephemera::agent {
namespace {

constexpr char kConnection[] =
    "   3: 0100007F:85E2 0200007F:1F90 01 00000001:00000002 01:00000014 "
    "00000000     0        0 116832 2 000000001d6d5e20 20 0 0 10 -1";

// The line of a socket in `state` with the timer column `timer`.
std::string Line(const char* state, const char* timer) {
  return absl::StrCat("1: 0100007F:85E2 0200007F:1F90 ", state,
                      " 00000000:00000000 ", timer, " 00000000 0 0 0 3 0");
}

TEST(ParseProcNetTcpLineTest, ReadsAConnection) {
  const std::optional<ProcNetTcpLine> line = ParseProcNetTcpLine(kConnection);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->record.state, TcpState::kEstablished);
  EXPECT_EQ(line->record.local_address.ToString(), "127.0.0.1");
  EXPECT_EQ(line->record.local_port, 34274);
  EXPECT_EQ(line->record.remote_address.ToString(), "127.0.0.2");
  EXPECT_EQ(line->record.remote_port, 8080);
  EXPECT_EQ(line->record.send_queue, 1u);
  EXPECT_EQ(line->record.receive_queue, 2u);
  EXPECT_EQ(line->record.expires_ms, 0u);
  EXPECT_EQ(line->inode, 116832u);
}

TEST(ParseProcNetTcpLineTest, ReadsIpv6AndNormalisesMappedAddresses) {
  const std::optional<ProcNetTcpLine> line = ParseProcNetTcpLine(
      "0: B80D0120000000000000000001000000:0016 "
      "0000000000000000FFFF00000100007F:83E2 01 00000000:00000005 "
      "00:00000000 00000000     0        0 116826 1 0");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->record.local_address.ToString(), "2001:db8::1");
  EXPECT_EQ(line->record.remote_address.ToString(), "127.0.0.1");
}

TEST(ParseProcNetTcpLineTest, ReadsTheTimeLeftOfStandInsOnly) {
  EXPECT_EQ(ParseProcNetTcpLine(Line("06", "03:00001770"))->record.expires_ms,
            60'000u);
  EXPECT_EQ(ParseProcNetTcpLine(Line("05", "03:000003CA"))->record.expires_ms,
            9'700u);
  EXPECT_EQ(ParseProcNetTcpLine(Line("05", "02:000003CA"))->record.expires_ms,
            0u);
  EXPECT_EQ(ParseProcNetTcpLine(Line("01", "03:000003CA"))->record.expires_ms,
            0u);
  EXPECT_EQ(
      ParseProcNetTcpLine(Line("06", "03:FFFFFFFFFFFFFFFF"))->record.expires_ms,
      0xffffffffu);
}

TEST(ParseProcNetTcpLineTest, RefusesWhatIsNoSocket) {
  for (const char* const text : {
           "",
           "    ",
           "sl local_address rem_address st tx_queue rx_queue tr tm->when",
           // No colon after the number.
           "1 0100007F:85E2 0200007F:1F90 01 0:0 0:0 0 0 0 1",
           // Address of an odd length.
           "1: 0100007:85E2 0200007F:1F90 01 0:0 0:0 0 0 0 1",
           "1: 0100007F0:85E2 0200007F:1F90 01 0:0 0:0 0 0 0 1",
           // Port too long, missing, not hexadecimal.
           "1: 0100007F:85E20 0200007F:1F90 01 0:0 0:0 0 0 0 1",
           "1: 0100007F 0200007F:1F90 01 0:0 0:0 0 0 0 1",
           "1: 0100007F:85G2 0200007F:1F90 01 0:0 0:0 0 0 0 1",
           "1: 0100007F:0x12 0200007F:1F90 01 0:0 0:0 0 0 0 1",
           // Unknown states.
           "1: 0100007F:85E2 0200007F:1F90 00 0:0 0:0 0 0 0 1",
           "1: 0100007F:85E2 0200007F:1F90 0D 0:0 0:0 0 0 0 1",
           "1: 0100007F:85E2 0200007F:1F90 101 0:0 0:0 0 0 0 1",
           // Queues, timer, inode.
           "1: 0100007F:85E2 0200007F:1F90 01 00 0:0 0 0 0 1",
           "1: 0100007F:85E2 0200007F:1F90 01 0:0 0: 0 0 0 1",
           "1: 0100007F:85E2 0200007F:1F90 01 0:0 0:11112222333344445 0 0 0 1",
           "1: 0100007F:85E2 0200007F:1F90 01 0:0 0:0 0 0 0 -1",
           "1: 0100007F:85E2 0200007F:1F90 01 0:0 0:0 0 0 0",
       }) {
    EXPECT_FALSE(ParseProcNetTcpLine(text).has_value()) << text;
  }
}

TEST(ParseProcNetTcpLineTest, SurvivesDamagedBytes) {
  std::mt19937 random(42);
  for (int round = 0; round < 50'000; ++round) {
    std::string text = kConnection;
    for (int flips = 0; flips < 3; ++flips) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    // In memory of exactly this size, so that ASan sees reads beyond the end.
    const size_t size = random() % (text.size() + 1);
    const auto exact = std::make_unique<char[]>(size);
    std::copy_n(text.begin(), size, exact.get());
    const std::optional<ProcNetTcpLine> line =
        ParseProcNetTcpLine(absl::string_view(exact.get(), size));
    if (!line.has_value()) continue;
    const auto state = static_cast<int>(line->record.state);
    EXPECT_TRUE(state >= 1 && state <= 12) << state;
  }
}

}  // namespace
}  // namespace ephemera::agent
