#include "common/tcp_state.h"

#include <algorithm>
#include <limits>

namespace ephemera {

using v1::StateCounts;

const std::array<TcpStateField, 12> kTcpStateFields = {{
    {TcpState::kEstablished, "established", "ESTAB", &StateCounts::established,
     &StateCounts::set_established},
    {TcpState::kSynSent, "syn_sent", "SYN-SENT", &StateCounts::syn_sent,
     &StateCounts::set_syn_sent},
    {TcpState::kSynRecv, "syn_recv", "SYN-RECV", &StateCounts::syn_recv,
     &StateCounts::set_syn_recv},
    {TcpState::kFinWait1, "fin_wait1", "FIN-WAIT-1", &StateCounts::fin_wait1,
     &StateCounts::set_fin_wait1},
    {TcpState::kFinWait2, "fin_wait2", "FIN-WAIT-2", &StateCounts::fin_wait2,
     &StateCounts::set_fin_wait2},
    {TcpState::kTimeWait, "time_wait", "TIME-WAIT", &StateCounts::time_wait,
     &StateCounts::set_time_wait},
    {TcpState::kClose, "close", "UNCONN", &StateCounts::close,
     &StateCounts::set_close},
    {TcpState::kCloseWait, "close_wait", "CLOSE-WAIT", &StateCounts::close_wait,
     &StateCounts::set_close_wait},
    {TcpState::kLastAck, "last_ack", "LAST-ACK", &StateCounts::last_ack,
     &StateCounts::set_last_ack},
    {TcpState::kListen, "listen", "LISTEN", &StateCounts::listen,
     &StateCounts::set_listen},
    {TcpState::kClosing, "closing", "CLOSING", &StateCounts::closing,
     &StateCounts::set_closing},
    {TcpState::kNewSynRecv, "new_syn_recv", "NEW-SYN-RECV",
     &StateCounts::new_syn_recv, &StateCounts::set_new_syn_recv},
}};

uint64_t TotalSockets(const StateCounts& counts) {
  uint64_t total = 0;
  for (const TcpStateField& field : kTcpStateFields) {
    total += (counts.*field.get)();
  }
  return total;
}

void AddCounts(const StateCounts& part, StateCounts& sum) {
  constexpr uint64_t kMax = std::numeric_limits<uint32_t>::max();
  for (const TcpStateField& field : kTcpStateFields) {
    const uint64_t value =
        uint64_t{(part.*field.get)()} + uint64_t{(sum.*field.get)()};
    (sum.*field.set)(static_cast<uint32_t>(std::min(value, kMax)));
  }
}

void MaxCounts(const StateCounts& other, StateCounts& high) {
  for (const TcpStateField& field : kTcpStateFields) {
    (high.*field.set)(std::max((other.*field.get)(), (high.*field.get)()));
  }
}

}  // namespace ephemera
