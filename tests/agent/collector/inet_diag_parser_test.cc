#include "agent/collector/inet_diag_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/types/span.h"
#include "common/tcp_state.h"
#include "tests/agent/collector/diag_bytes.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kSequence = 7;
constexpr int64_t kReadTime = 123'456'789;

class InetDiagParserTest : public testing::Test {
 protected:
  absl::StatusOr<bool> Parse(const DiagChunk& chunk) {
    return parser_.ParseChunk(chunk.bytes(), kReadTime, sink_);
  }
  std::vector<uint16_t> LocalPorts() const {
    std::vector<uint16_t> ports;
    for (const SocketRecord& record : sink_.records()) {
      ports.push_back(record.local_port);
    }
    return ports;
  }

  InetDiagParser parser_{kSequence};
  RecordingSocketSink sink_;
};

TEST_F(InetDiagParserTest, RequestAsksForStates1To12AndNoExtensions) {
  const InetDiagDumpRequest request = MakeInetDiagDumpRequest(5);
  EXPECT_EQ(request.header.nlmsg_len, 76u);
  EXPECT_EQ(request.header.nlmsg_type, 18);
  EXPECT_EQ(request.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
  EXPECT_EQ(request.header.nlmsg_seq, 5u);
  EXPECT_EQ(request.body.idiag_states, 0x1ffeu);
  EXPECT_EQ(request.body.idiag_ext, 0);
}

TEST_F(InetDiagParserTest, ReadsAConnection) {
  inet_diag_msg message =
      DiagSocket(TcpState::kEstablished, "10.0.0.1", 40000, "10.0.0.2", 5774);
  message.idiag_rqueue = 11;
  message.idiag_wqueue = 22;
  // The keep-alive timer is none of our business.
  message.idiag_timer = 2;
  message.idiag_expires = 7'000'000;
  const auto done = Parse(DiagChunk(kSequence).Socket(message));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  ASSERT_EQ(sink_.records().size(), 1u);
  const SocketRecord& record = sink_.records()[0];
  EXPECT_EQ(record.state, TcpState::kEstablished);
  EXPECT_EQ(record.local_address.ToString(), "10.0.0.1");
  EXPECT_EQ(record.local_port, 40000);
  EXPECT_EQ(record.remote_address.ToString(), "10.0.0.2");
  EXPECT_EQ(record.remote_port, 5774);
  EXPECT_EQ(record.receive_queue, 11u);
  EXPECT_EQ(record.send_queue, 22u);
  EXPECT_EQ(record.expires_ms, 0u);
  EXPECT_EQ(record.read_time_us, kReadTime);
}

TEST_F(InetDiagParserTest, ReadsTheTimeLeftOfStandInsOnly) {
  inet_diag_msg stand_in =
      DiagSocket(TcpState::kFinWait2, "10.0.0.1", 2, "10.0.0.2", 5774);
  stand_in.idiag_timer = 3;
  stand_in.idiag_expires = 9'700;
  inet_diag_msg full = stand_in;
  full.id.idiag_sport = htons(3);
  full.idiag_timer = 2;
  ASSERT_TRUE(Parse(DiagChunk(kSequence)
                        .Socket(TimeWaitSocket(1, 59'000))
                        .Socket(stand_in)
                        .Socket(full))
                  .ok());
  ASSERT_EQ(sink_.records().size(), 3u);
  EXPECT_EQ(sink_.records()[0].expires_ms, 59'000u);
  EXPECT_EQ(sink_.records()[1].expires_ms, 9'700u);
  EXPECT_EQ(sink_.records()[2].expires_ms, 0u);
}

TEST_F(InetDiagParserTest, NormalisesMappedAddresses) {
  ASSERT_TRUE(
      Parse(
          DiagChunk(kSequence)
              .Socket(DiagSocket(TcpState::kEstablished, "::ffff:10.0.0.1", 1,
                                 "::ffff:10.0.0.2", 2))
              .Socket(DiagSocket(TcpState::kListen, "2001:db8::1", 3, "::", 0)))
          .ok());
  ASSERT_EQ(sink_.records().size(), 2u);
  EXPECT_EQ(sink_.records()[0].local_address.ToString(), "10.0.0.1");
  EXPECT_EQ(sink_.records()[0].remote_address.ToString(), "10.0.0.2");
  EXPECT_EQ(sink_.records()[1].local_address.ToString(), "2001:db8::1");
}

TEST_F(InetDiagParserTest, EndsAtDone) {
  const auto done = Parse(DiagChunk(kSequence)
                              .Socket(TimeWaitSocket(1, 1))
                              .Done()
                              .Socket(TimeWaitSocket(2, 1)));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_THAT(LocalPorts(), ElementsAre(1));
}

TEST_F(InetDiagParserTest, TakesDoneWithoutAnErrorNumber) {
  const auto done = Parse(DiagChunk(kSequence).Message(NLMSG_DONE, nullptr, 0));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
}

TEST_F(InetDiagParserTest, SkipsMessagesOfAnotherDump) {
  const auto done = Parse(DiagChunk(kSequence - 1)
                              .Socket(TimeWaitSocket(1, 1))
                              .Error(-EBUSY)
                              .Done()
                              .Sequence(kSequence)
                              .Socket(TimeWaitSocket(2, 1)));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  EXPECT_THAT(LocalPorts(), ElementsAre(2));
}

TEST_F(InetDiagParserTest, SkipsUnknownMessagesStatesAndFamilies) {
  inet_diag_msg odd_state = TimeWaitSocket(1, 1);
  odd_state.idiag_state = 13;
  inet_diag_msg no_state = TimeWaitSocket(2, 1);
  no_state.idiag_state = 0;
  inet_diag_msg odd_family = TimeWaitSocket(3, 1);
  odd_family.idiag_family = AF_UNIX;
  const auto done = Parse(DiagChunk(kSequence)
                              .Message(NLMSG_NOOP, "abc", 3)
                              .Message(999, "defgh", 5)
                              .Error(0)
                              .Socket(odd_state)
                              .Socket(no_state)
                              .Socket(odd_family)
                              .Socket(TimeWaitSocket(4, 1)));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  EXPECT_THAT(LocalPorts(), ElementsAre(4));
}

TEST_F(InetDiagParserTest, ReportsErrorsInTheStream) {
  const auto busy = Parse(DiagChunk(kSequence).Error(-EBUSY));
  EXPECT_TRUE(absl::IsUnavailable(busy.status())) << busy.status();
  const auto missing = Parse(DiagChunk(kSequence).Error(-ENOENT));
  EXPECT_TRUE(absl::IsUnimplemented(missing.status())) << missing.status();
  const auto denied = Parse(DiagChunk(kSequence).Error(-EPERM));
  EXPECT_TRUE(absl::IsPermissionDenied(denied.status())) << denied.status();
  EXPECT_THAT(denied.status().message(), HasSubstr("not permitted"));
}

TEST_F(InetDiagParserTest, ReportsTheErrorOfDone) {
  const auto missing = Parse(DiagChunk(kSequence).Done(-ENOENT));
  EXPECT_TRUE(absl::IsUnimplemented(missing.status())) << missing.status();
  const auto memory = Parse(DiagChunk(kSequence).Done(-ENOMEM));
  EXPECT_TRUE(absl::IsUnavailable(memory.status())) << memory.status();
}

TEST_F(InetDiagParserTest, ErrorNumbersOutOfRangeAreErrorsToo) {
  const auto result =
      Parse(DiagChunk(kSequence).Error(std::numeric_limits<int32_t>::min()));
  EXPECT_FALSE(result.ok());
}

TEST_F(InetDiagParserTest, OverrunAndInconsistencyAreUnavailable) {
  const auto overrun =
      Parse(DiagChunk(kSequence).Message(NLMSG_OVERRUN, nullptr, 0));
  EXPECT_TRUE(absl::IsUnavailable(overrun.status())) << overrun.status();
  const auto interrupted = Parse(
      DiagChunk(kSequence).Flags(NLM_F_DUMP_INTR).Socket(TimeWaitSocket(1, 1)));
  EXPECT_TRUE(absl::IsUnavailable(interrupted.status()));
  EXPECT_THAT(sink_.records(), IsEmpty());
}

TEST_F(InetDiagParserTest, RefusesEveryTruncation) {
  DiagChunk whole(kSequence);
  whole.Socket(TimeWaitSocket(1, 1)).Error(0).Socket(TimeWaitSocket(2, 1));
  // A chunk that ends where a message does is just shorter.
  const size_t first = NLMSG_SPACE(sizeof(inet_diag_msg));
  const size_t second = first + NLMSG_SPACE(sizeof(nlmsgerr));
  for (size_t size = 1; size < whole.bytes().size(); ++size) {
    DiagChunk cut = whole;
    const auto result = Parse(cut.Truncate(size));
    EXPECT_EQ(result.ok(), size == first || size == second) << size;
    EXPECT_TRUE(result.ok() || absl::IsInternal(result.status())) << size;
  }
}

TEST_F(InetDiagParserTest, RefusesMessagesTooShortForTheirType) {
  const inet_diag_msg socket = TimeWaitSocket(1, 1);
  EXPECT_TRUE(
      absl::IsInternal(Parse(DiagChunk(kSequence).Message(
                                 TCPDIAG_GETSOCK, &socket, sizeof socket - 1))
                           .status()));
  EXPECT_TRUE(absl::IsInternal(
      Parse(DiagChunk(kSequence).Message(NLMSG_ERROR, "ab", 2)).status()));
  EXPECT_THAT(sink_.records(), IsEmpty());
}

TEST_F(InetDiagParserTest, IgnoresAttributesBehindASocket) {
  struct {
    inet_diag_msg socket = TimeWaitSocket(1, 1);
    uint8_t attributes[20] = {0xff, 0xff, 0xff};
  } longer;
  ASSERT_TRUE(Parse(DiagChunk(kSequence)
                        .Message(TCPDIAG_GETSOCK, &longer, sizeof longer)
                        .Socket(TimeWaitSocket(2, 1)))
                  .ok());
  EXPECT_THAT(LocalPorts(), ElementsAre(1, 2));
}

TEST_F(InetDiagParserTest, LeavesOutRepeatsAcrossAChunkBoundary) {
  DiagChunk first(kSequence);
  for (uint16_t port = 1; port <= 40; ++port) {
    first.Socket(TimeWaitSocket(port, 1));
  }
  ASSERT_TRUE(Parse(first).ok());
  // 41 came to the head of the chain, so that the walk resumed at 40 again. In
  // between, 39 has become another state.
  ASSERT_TRUE(Parse(DiagChunk(kSequence)
                        .Socket(TimeWaitSocket(40, 1))
                        .Socket(DiagSocket(TcpState::kFinWait2, "10.0.0.1", 39,
                                           "10.0.0.2", 5774))
                        .Socket(TimeWaitSocket(42, 1)))
                  .ok());
  EXPECT_EQ(sink_.records().size(), 41u);
  EXPECT_EQ(LocalPorts().back(), 42);
  EXPECT_EQ(parser_.repeats(), 2u);
}

TEST_F(InetDiagParserTest, KeepsWhatOnlyLooksLikeARepeat) {
  inet_diag_msg other_interface = TimeWaitSocket(1, 1);
  other_interface.id.idiag_if = 4;
  inet_diag_msg listener =
      DiagSocket(TcpState::kListen, "0.0.0.0", 80, "0.0.0.0", 0);
  inet_diag_msg shares_port = listener;
  listener.id.idiag_cookie[0] = 1;
  shares_port.id.idiag_cookie[0] = 2;
  ASSERT_TRUE(
      Parse(DiagChunk(kSequence).Socket(listener).Socket(TimeWaitSocket(1, 1)))
          .ok());
  // Neither an empty chunk nor one without sockets is a boundary.
  ASSERT_TRUE(Parse(DiagChunk(kSequence)).ok());
  ASSERT_TRUE(Parse(DiagChunk(kSequence).Error(0)).ok());
  ASSERT_TRUE(Parse(DiagChunk(kSequence)
                        .Socket(shares_port)
                        .Socket(listener)
                        .Socket(other_interface)
                        .Socket(TimeWaitSocket(1, 1)))
                  .ok());
  EXPECT_THAT(LocalPorts(), ElementsAre(80, 1, 80, 1));
  EXPECT_EQ(parser_.repeats(), 2u);
}

TEST_F(InetDiagParserTest, SurvivesDamagedBytes) {
  DiagChunk chunk(kSequence);
  for (uint16_t port = 1; port <= 5; ++port) {
    chunk.Socket(TimeWaitSocket(port, 1));
  }
  chunk.Error(-EBUSY).Done();
  std::mt19937 random(42);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> bytes = chunk.bytes();
    for (int flips = 0; flips < 4; ++flips) {
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    // In memory of exactly this size, so that ASan sees reads beyond the end.
    const size_t size = random() % (bytes.size() + 1);
    const auto exact = std::make_unique<uint8_t[]>(size);
    std::copy_n(bytes.begin(), size, exact.get());
    InetDiagParser parser(kSequence);
    // Every other one with an unaligned start.
    const auto span = absl::MakeConstSpan(exact.get(), size)
                          .subspan(std::min<size_t>(size, round % 2));
    const absl::Status status = parser.ParseChunk(span, 0, sink_).status();
    // An error number that was damaged is still one that "the kernel reports".
    EXPECT_TRUE(
        status.ok() || absl::IsInternal(status) ||
        absl::IsUnavailable(status) ||
        absl::StartsWith(status.message(), "inet_diag: dump refused") ||
        absl::StartsWith(status.message(), "inet_diag: dump ended early"))
        << status;
  }
}

}  // namespace
}  // namespace ephemera::agent
