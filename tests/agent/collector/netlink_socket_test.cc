#include "agent/collector/netlink_socket.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "agent/collector/inet_diag_parser.h"

namespace ephemera::agent {
namespace {

TEST(SockDiagSocketTest, ReceiveEndsAfterItsTimeout) {
  SockDiagSocket socket(absl::Milliseconds(1));
  ASSERT_EQ(socket.Open(), 0);
  std::vector<uint8_t> buffer(100);
  NetlinkDatagram datagram;
  EXPECT_EQ(socket.Receive(absl::MakeSpan(buffer), datagram), EAGAIN);
}

TEST(SockDiagSocketTest, SaysWhenADatagramDoesNotFit) {
  SockDiagSocket socket;
  ASSERT_EQ(socket.Open(), 0);
  const InetDiagDumpRequest request = MakeInetDiagDumpRequest(1);
  ASSERT_EQ(socket.Send(absl::MakeConstSpan(
                reinterpret_cast<const uint8_t*>(&request), sizeof request)),
            0);
  std::vector<uint8_t> buffer(8);
  NetlinkDatagram datagram;
  ASSERT_EQ(socket.Receive(absl::MakeSpan(buffer), datagram), 0);
  EXPECT_TRUE(datagram.truncated);
  EXPECT_EQ(datagram.size, 8u);
  EXPECT_EQ(datagram.sender_port, 0u);
}

}  // namespace
}  // namespace ephemera::agent
