#include "agent/collector/inet_diag_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/agent/collector/diag_bytes.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::IsEmpty;

// Gives prepared answers; each receive takes a millisecond.
class FakeNetlinkSocket final : public NetlinkSocket {
 public:
  struct Answer {
    int error = 0;
    std::vector<uint8_t> bytes = {};
    bool truncated = false;
    uint32_t sender_port = 0;
  };

  explicit FakeNetlinkSocket(FakeClock& clock) : clock_(clock) {}

  void Add(Answer answer) { answers_.push_back(std::move(answer)); }
  void Add(const DiagChunk& chunk) { Add(Answer{.bytes = chunk.bytes()}); }

  int Open() override {
    ++opens;
    return open_error;
  }
  int Send(absl::Span<const uint8_t> datagram) override {
    if (std::exchange(send_interrupted, false)) return EINTR;
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    sequences.push_back(header.nlmsg_seq);
    return send_error;
  }
  int Receive(absl::Span<uint8_t> buffer, NetlinkDatagram& datagram) override {
    clock_.Advance(absl::Milliseconds(1));
    if (answers_.empty()) return EAGAIN;
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    if (answer.error != 0) return answer.error;
    EXPECT_GE(buffer.size(), 32u * 1024);
    std::memcpy(buffer.data(), answer.bytes.data(), answer.bytes.size());
    datagram = {.size = answer.bytes.size(),
                .truncated = answer.truncated,
                .sender_port = answer.sender_port};
    return 0;
  }

  int opens = 0;
  int open_error = 0;
  int send_error = 0;
  bool send_interrupted = false;
  std::vector<uint32_t> sequences;

 private:
  FakeClock& clock_;
  std::deque<Answer> answers_;
};

class InetDiagCollectorTest : public testing::Test {
 protected:
  absl::Status Dump() {
    sink_ = RecordingSocketSink();
    return collector_.Dump(sink_);
  }
  // After a failure the next dump works, on a new socket.
  void ExpectRecovery() {
    const int opens = socket_.opens;
    const uint32_t sequence = socket_.sequences.back() + 1;
    socket_.Add(DiagChunk(sequence).Socket(TimeWaitSocket(1, 5)).Done());
    EXPECT_TRUE(Dump().ok());
    EXPECT_EQ(sink_.records().size(), 1u);
    EXPECT_EQ(socket_.opens, opens + 1);
    EXPECT_EQ(socket_.sequences.back(), sequence);
  }

  FakeClock clock_;
  FakeNetlinkSocket& socket_ = *new FakeNetlinkSocket(clock_);
  InetDiagCollector collector_{clock_,
                               std::unique_ptr<NetlinkSocket>(&socket_)};
  RecordingSocketSink sink_;
};

TEST_F(InetDiagCollectorTest, KeepsItsSocketOpenAndNumbersItsDumps) {
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(1, 5)));
  socket_.Add(DiagChunk(1).Done());
  socket_.Add(DiagChunk(2).Socket(TimeWaitSocket(2, 5)).Done());
  ASSERT_TRUE(Dump().ok());
  EXPECT_EQ(sink_.records().size(), 1u);
  ASSERT_TRUE(Dump().ok());
  EXPECT_EQ(sink_.records().size(), 1u);
  EXPECT_EQ(socket_.opens, 1);
  EXPECT_EQ(collector_.source(), v1::SOCKET_SOURCE_INET_DIAG);
}

TEST_F(InetDiagCollectorTest, StampsRecordsWithTheEndOfTheReceiveBefore) {
  const int64_t start = absl::ToInt64Microseconds(clock_.BootTime());
  for (uint16_t port = 1; port <= 3; ++port) {
    socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(port, 5)));
  }
  socket_.Add(DiagChunk(1).Done());
  ASSERT_TRUE(Dump().ok());
  ASSERT_EQ(sink_.records().size(), 3u);
  EXPECT_EQ(sink_.records()[0].read_time_us, start);
  EXPECT_EQ(sink_.records()[1].read_time_us, start + 1000);
  EXPECT_EQ(sink_.records()[2].read_time_us, start + 2000);
}

TEST_F(InetDiagCollectorTest, CountsRepeats) {
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(1, 5)));
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(1, 5)).Done());
  ASSERT_TRUE(Dump().ok());
  EXPECT_EQ(sink_.records().size(), 1u);
  EXPECT_EQ(collector_.repeats(), 1u);
}

TEST_F(InetDiagCollectorTest, GoesOnAfterASignal) {
  socket_.send_interrupted = true;
  socket_.Add({.error = EINTR});
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(1, 5)));
  socket_.Add({.error = EINTR});
  socket_.Add(DiagChunk(1).Done());
  EXPECT_TRUE(Dump().ok());
  EXPECT_EQ(sink_.records().size(), 1u);
}

TEST_F(InetDiagCollectorTest, IgnoresDatagramsOfOtherProcesses) {
  socket_.Add({.bytes = DiagChunk(1).Socket(TimeWaitSocket(1, 5)).bytes(),
               .truncated = true,
               .sender_port = 4242});
  socket_.Add(DiagChunk(1).Done());
  EXPECT_TRUE(Dump().ok());
  EXPECT_THAT(sink_.records(), IsEmpty());
}

TEST_F(InetDiagCollectorTest, SkipsLeftOversOfAnEarlierDump) {
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(1, 5)).Done());
  ASSERT_TRUE(Dump().ok());
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(2, 5)).Done());
  socket_.Add(DiagChunk(2).Socket(TimeWaitSocket(3, 5)).Done());
  ASSERT_TRUE(Dump().ok());
  ASSERT_EQ(sink_.records().size(), 1u);
  EXPECT_EQ(sink_.records()[0].local_port, 3);
}

TEST_F(InetDiagCollectorTest, StartsAfreshAfterABufferOverrun) {
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(1, 5)));
  socket_.Add({.error = ENOBUFS});
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  ExpectRecovery();
}

TEST_F(InetDiagCollectorTest, StartsAfreshAfterATimeout) {
  socket_.Add(DiagChunk(1).Socket(TimeWaitSocket(1, 5)));
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  ExpectRecovery();
}

TEST_F(InetDiagCollectorTest, StartsAfreshAfterATruncatedDatagram) {
  socket_.Add({.bytes = DiagChunk(1).Done().bytes(), .truncated = true});
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  ExpectRecovery();
}

TEST_F(InetDiagCollectorTest, StartsAfreshAfterMalformedBytes) {
  socket_.Add({.bytes = {1, 2, 3}});
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  ExpectRecovery();
}

TEST_F(InetDiagCollectorTest, StartsAfreshAfterARefusal) {
  socket_.Add(DiagChunk(1).Error(-EBUSY));
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  ExpectRecovery();
}

TEST_F(InetDiagCollectorTest, StartsAfreshAfterAFailedSend) {
  socket_.send_error = ENOBUFS;
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  socket_.send_error = 0;
  ExpectRecovery();
}

TEST_F(InetDiagCollectorTest, SaysWhenTheKernelLacksTheInterface) {
  for (const int error : {EPROTONOSUPPORT, EAFNOSUPPORT}) {
    socket_.open_error = error;
    const absl::Status status = Dump();
    EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  }
  socket_.open_error = 0;
  for (const int error : {ENOENT, EINVAL, EOPNOTSUPP}) {
    const uint32_t sequence = socket_.sequences.size() + 1;
    socket_.Add(DiagChunk(sequence).Error(-error));
    const absl::Status status = Dump();
    EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  }
}

TEST_F(InetDiagCollectorTest, TooManyOpenFilesMayPass) {
  socket_.open_error = EMFILE;
  const absl::Status status = Dump();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

}  // namespace
}  // namespace ephemera::agent
