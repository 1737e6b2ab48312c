// The collectors against this machine's kernel, with sockets on loopback. Needs
// no privilege. Sockets of other programs are told apart by port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/collector/counter_collector.h"
#include "agent/collector/inet_diag_collector.h"
#include "agent/collector/proc_net_tcp_collector.h"
#include "agent/collector/sysctl_collector.h"
#include "common/clock.h"
#include "common/ip_address.h"
#include "common/port_range.h"
#include "common/tcp_state.h"
#include "tests/agent/collector/loopback_peers.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

class RealSocketsTest : public testing::Test {
 protected:
  // Sockets of which either end has the service's port.
  std::vector<SocketRecord> Dump(SocketCollector& collector, uint16_t port) {
    RecordingSocketSink sink;
    const absl::Status status = collector.Dump(sink);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<SocketRecord> records;
    for (const SocketRecord& record : sink.records()) {
      if (record.local_port == port || record.remote_port == port) {
        records.push_back(record);
      }
    }
    return records;
  }

  static std::string Describe(const SocketRecord& record) {
    return Describe(record.state, record.local_address.ToString(),
                    record.local_port, record.remote_address.ToString(),
                    record.remote_port);
  }
  static std::string Describe(TcpState state, absl::string_view local,
                              uint16_t local_port, absl::string_view remote,
                              uint16_t remote_port) {
    const TcpStateField& field =
        kTcpStateFields.at(static_cast<size_t>(state) - 1);
    return absl::StrCat(field.label, " ", FormatEndpoint(local, local_port),
                        " ", FormatEndpoint(remote, remote_port));
  }
  static std::vector<std::string> Describe(
      const std::vector<SocketRecord>& records) {
    std::vector<std::string> lines;
    lines.reserve(records.size());
    for (const SocketRecord& record : records) {
      lines.push_back(Describe(record));
    }
    return lines;
  }

  // Dumps until `ready` holds: the last steps of a close take a delayed
  // acknowledgement of 40 ms.
  template <typename Condition>
  void Await(uint16_t port, Condition ready) {
    const absl::Duration end = clock_.BootTime() + absl::Seconds(10);
    while (!ready(Dump(inet_diag_, port))) {
      ASSERT_LT(clock_.BootTime(), end) << "the sockets never got there";
    }
  }

  // Connections of every kind to `listener`, by way of `target`; the dumps of
  // both collectors are to show exactly these, on addresses `client` and
  // `server`.
  void CheckStates(const UniqueFd& listener, const LoopbackAddress& target,
                   absl::string_view listening, absl::string_view any,
                   absl::string_view host);

  SystemClock clock_;
  InetDiagCollector inet_diag_{clock_};
  ProcNetTcpCollector proc_{clock_, "/"};
};

void RealSocketsTest::CheckStates(const UniqueFd& listener,
                                  const LoopbackAddress& target,
                                  absl::string_view listening,
                                  absl::string_view any,
                                  absl::string_view host) {
  const uint16_t port = LocalPort(listener);
  std::vector<std::string> expected = {
      Describe(TcpState::kListen, listening, port, any, 0)};
  const auto expect = [&](TcpState client_state, uint16_t client_port) {
    expected.push_back(Describe(client_state, host, client_port, host, port));
  };
  const auto expect_server = [&](TcpState server_state, uint16_t client_port) {
    expected.push_back(Describe(server_state, host, port, host, client_port));
  };

  const UniqueFd open_client = Connect(target);
  const UniqueFd open_server = Accept(listener);
  ASSERT_TRUE(open_client.valid() && open_server.valid());
  ASSERT_EQ(send(open_client.get(), "hello", 5, 0), 5);
  expect(TcpState::kEstablished, LocalPort(open_client));
  expect_server(TcpState::kEstablished, LocalPort(open_client));

  // Three that the client closes first.
  for (int i = 0; i < 3; ++i) {
    UniqueFd client = Connect(target);
    UniqueFd server = Accept(listener);
    ASSERT_TRUE(client.valid() && server.valid());
    expect(TcpState::kTimeWait, LocalPort(client));
    client.Reset();
    server.Reset();
  }

  // Half closed: a full socket in FIN_WAIT2, and a stand-in without an owner.
  UniqueFd shut_client = Connect(target);
  const UniqueFd shut_server = Accept(listener);
  UniqueFd gone_client = Connect(target);
  const UniqueFd gone_server = Accept(listener);
  ASSERT_TRUE(shut_client.valid() && shut_server.valid());
  ASSERT_TRUE(gone_client.valid() && gone_server.valid());
  const uint16_t gone_port = LocalPort(gone_client);
  expect(TcpState::kFinWait2, LocalPort(shut_client));
  expect_server(TcpState::kCloseWait, LocalPort(shut_client));
  expect(TcpState::kFinWait2, gone_port);
  expect_server(TcpState::kCloseWait, gone_port);
  ASSERT_EQ(shutdown(shut_client.get(), SHUT_WR), 0);
  gone_client.Reset();

  Await(port, [&](const std::vector<SocketRecord>& records) {
    int arrived = 0;
    for (const SocketRecord& record : records) {
      arrived += record.state == TcpState::kFinWait2 ||
                 record.state == TcpState::kTimeWait;
    }
    return arrived == 5;
  });

  const int64_t before_us = absl::ToInt64Microseconds(clock_.BootTime());
  const std::vector<SocketRecord> diag = Dump(inet_diag_, port);
  const std::vector<SocketRecord> proc = Dump(proc_, port);
  const int64_t after_us = absl::ToInt64Microseconds(clock_.BootTime());
  EXPECT_THAT(Describe(diag), UnorderedElementsAreArray(expected));
  EXPECT_THAT(Describe(proc), UnorderedElementsAreArray(expected));
  for (const std::vector<SocketRecord>* records : {&diag, &proc}) {
    ASSERT_THAT(*records, SizeIs(expected.size()));
    EXPECT_EQ(records->front().state, TcpState::kListen);
    for (const SocketRecord& record : *records) {
      EXPECT_GE(record.read_time_us, before_us);
      EXPECT_LE(record.read_time_us, after_us);
      // TIME_WAIT lasts 60 s; FIN_WAIT2 without an owner as long as
      // tcp_fin_timeout, at most 60 s in a stand-in.
      if (record.state == TcpState::kTimeWait) {
        EXPECT_GT(record.expires_ms, 45'000u) << Describe(record);
        EXPECT_LE(record.expires_ms, 60'100u) << Describe(record);
      } else if (record.state == TcpState::kFinWait2 &&
                 record.local_port == gone_port) {
        EXPECT_GT(record.expires_ms, 0u) << Describe(record);
      } else {
        EXPECT_EQ(record.expires_ms, 0u) << Describe(record);
      }
      // The bytes sent, and the end of the stream, which counts as one.
      uint32_t unread = 0;
      if (record.state == TcpState::kCloseWait) unread = 1;
      if (record.state == TcpState::kEstablished && record.local_port == port) {
        unread = 5;
      }
      EXPECT_EQ(record.receive_queue, unread) << Describe(record);
    }
  }
}

TEST_F(RealSocketsTest, FindsEveryStateOverIpv4) {
  const UniqueFd listener = Listen(LoopbackAddress::V4(0), 16);
  ASSERT_TRUE(listener.valid());
  CheckStates(listener, LoopbackAddress::V4(LocalPort(listener)), "127.0.0.1",
              "0.0.0.0", "127.0.0.1");
}

TEST_F(RealSocketsTest, FindsEveryStateOverIpv6) {
  const UniqueFd listener = Listen(LoopbackAddress::V6(0), 16);
  if (!listener.valid()) GTEST_SKIP() << "no IPv6 on loopback";
  CheckStates(listener, LoopbackAddress::V6(LocalPort(listener)), "::1",
              "::", "::1");
}

TEST_F(RealSocketsTest, ShowsMappedConnectionsAsIpv4) {
  const UniqueFd listener = Listen(LoopbackAddress::AnyV6(0), 16);
  if (!listener.valid()) GTEST_SKIP() << "no IPv6";
  CheckStates(listener, LoopbackAddress::V4(LocalPort(listener)),
              "::", "::", "127.0.0.1");
}

TEST_F(RealSocketsTest, ReadsTheBacklogOfAListener) {
  const UniqueFd listener = Listen(LoopbackAddress::V4(0), 7);
  ASSERT_TRUE(listener.valid());
  const uint16_t port = LocalPort(listener);
  const UniqueFd waiting = Connect(LoopbackAddress::V4(port));
  ASSERT_TRUE(waiting.valid());
  // The last step of the handshake may still be on its way.
  Await(port, [](const std::vector<SocketRecord>& records) {
    return !records.empty() && records.front().receive_queue == 1;
  });
  const std::vector<SocketRecord> diag = Dump(inet_diag_, port);
  ASSERT_THAT(diag, SizeIs(3));
  EXPECT_EQ(diag.front().state, TcpState::kListen);
  EXPECT_EQ(diag.front().receive_queue, 1u);
  EXPECT_EQ(diag.front().send_queue, 7u);
  const std::vector<SocketRecord> proc = Dump(proc_, port);
  ASSERT_THAT(proc, SizeIs(3));
  EXPECT_EQ(proc.front().receive_queue, 1u);
}

TEST_F(RealSocketsTest, ListenersComeFirstAndNothingTwice) {
  // Enough for several chunks of either source.
  const UniqueFd listener = Listen(LoopbackAddress::V4(0), 16);
  const UniqueFd second = Listen(LoopbackAddress::V4(0), 16);
  ASSERT_TRUE(listener.valid() && second.valid());
  constexpr size_t kConnections = 400;
  std::vector<UniqueFd> held;
  for (size_t i = 0; i < kConnections; ++i) {
    held.push_back(Connect(LoopbackAddress::V4(LocalPort(listener))));
    ASSERT_TRUE(held.back().valid());
    held.push_back(Accept(listener));
    ASSERT_TRUE(held.back().valid());
  }
  for (SocketCollector* collector : {static_cast<SocketCollector*>(&inet_diag_),
                                     static_cast<SocketCollector*>(&proc_)}) {
    RecordingSocketSink sink;
    ASSERT_TRUE(collector->Dump(sink).ok());
    bool others = false;
    for (const SocketRecord& record : sink.records()) {
      if (record.state != TcpState::kListen) others = true;
      EXPECT_FALSE(others && record.state == TcpState::kListen);
    }
    EXPECT_THAT(Dump(*collector, LocalPort(listener)),
                SizeIs(2 * kConnections + 1));
  }
  EXPECT_EQ(proc_.malformed_lines(), 0u);
}

TEST_F(RealSocketsTest, EachDumpShowsTheSocketsOfItsMoment) {
  UniqueFd listener = Listen(LoopbackAddress::V4(0), 16);
  ASSERT_TRUE(listener.valid());
  const uint16_t port = LocalPort(listener);
  for (int round = 0; round < 3; ++round) {
    EXPECT_THAT(Dump(inet_diag_, port), SizeIs(1));
    EXPECT_THAT(Dump(proc_, port), SizeIs(1));
  }
  listener.Reset();
  EXPECT_THAT(Dump(inet_diag_, port), IsEmpty());
  EXPECT_THAT(Dump(proc_, port), IsEmpty());
}

TEST(RealCountersTest, SeesAConnectionOnFilesThatStayOpen) {
  CounterCollector collector("/");
  v1::GaugeSample before;
  collector.Read(before);
  const UniqueFd listener = Listen(LoopbackAddress::V4(0), 16);
  const UniqueFd client = Connect(LoopbackAddress::V4(LocalPort(listener)));
  const UniqueFd server = Accept(listener);
  ASSERT_TRUE(server.valid());
  v1::GaugeSample after;
  collector.Read(after);
  EXPECT_GE(after.active_opens(), before.active_opens() + 1);
  EXPECT_GE(after.passive_opens(), before.passive_opens() + 1);
  EXPECT_TRUE(after.has_tcp_tw());
  EXPECT_TRUE(after.has_tw());
  EXPECT_TRUE(after.has_tcp_time_wait_overflow());
}

TEST(RealSysctlsTest, ReadsAPortRange) {
  SysctlCollector collector("/");
  const v1::SysctlReading reading = collector.Read();
  std::string range;
  for (const v1::SysctlValue& value : reading.values()) {
    if (value.key() == "net.ipv4.ip_local_port_range") range = value.value();
  }
  EXPECT_TRUE(PortRange::Parse(range).ok()) << range;
}

}  // namespace
}  // namespace ephemera::agent
