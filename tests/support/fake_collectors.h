#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_COLLECTORS_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_COLLECTORS_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/collector/gauge_reader.h"
#include "agent/collector/socket_collector.h"
#include "common/ip_address.h"
#include "common/tcp_state.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Dumps the sockets it was given, listeners first. Not thread-safe.
class FakeSocketCollector final : public SocketCollector {
 public:
  explicit FakeSocketCollector(
      v1::SocketSource source = v1::SOCKET_SOURCE_INET_DIAG)
      : source_(source) {}

  // What later dumps show.
  void SetSockets(std::vector<SocketRecord> sockets) {
    sockets_ = std::move(sockets);
  }

  // What later dumps return; if not OK, they return it after the sockets.
  void SetStatus(absl::Status status) { status_ = std::move(status); }

  // Called as each dump begins, for instance to move a fake clock.
  void SetOnDump(std::function<void()> on_dump) {
    on_dump_ = std::move(on_dump);
  }

  int dumps() const { return dumps_; }

  absl::Status Dump(SocketSink& sink) override {
    ++dumps_;
    if (on_dump_) on_dump_();
    for (const bool listeners : {true, false}) {
      for (const SocketRecord& socket : sockets_) {
        if ((socket.state == TcpState::kListen) == listeners) {
          sink.OnSocket(socket);
        }
      }
    }
    return status_;
  }

  v1::SocketSource source() const override { return source_; }

 private:
  const v1::SocketSource source_;
  std::vector<SocketRecord> sockets_;
  absl::Status status_;
  std::function<void()> on_dump_;
  int dumps_ = 0;
};

// Reads the fields it was given. Not thread-safe.
class FakeGaugeReader final : public GaugeReader {
 public:
  // What later reads set; times and cost in it should be absent.
  void SetGauge(v1::GaugeSample gauge) { gauge_ = std::move(gauge); }

  // Called as each reading begins, for instance to move a fake clock.
  void SetOnRead(std::function<void()> on_read) {
    on_read_ = std::move(on_read);
  }

  int reads() const { return reads_; }

  void Read(v1::GaugeSample& sample) override {
    ++reads_;
    if (on_read_) on_read_();
    sample.MergeFrom(gauge_);
  }

 private:
  v1::GaugeSample gauge_;
  std::function<void()> on_read_;
  int reads_ = 0;
};

// Reads the values it was given. Not thread-safe.
class FakeSysctlReader final : public SysctlReader {
 public:
  // REQUIRES: ordered by key.
  void SetReading(v1::SysctlReading reading) { reading_ = std::move(reading); }

  // Called as each reading begins, for instance to move a fake clock.
  void SetOnRead(std::function<void()> on_read) {
    on_read_ = std::move(on_read);
  }

  int reads() const { return reads_; }

  v1::SysctlReading Read() override {
    ++reads_;
    if (on_read_) on_read_();
    return reading_;
  }

 private:
  v1::SysctlReading reading_;
  std::function<void()> on_read_;
  int reads_ = 0;
};

// A sink that keeps what it is shown.
class RecordingSocketSink final : public SocketSink {
 public:
  void OnSocket(const SocketRecord& record) override {
    records_.push_back(record);
  }

  const std::vector<SocketRecord>& records() const { return records_; }

 private:
  std::vector<SocketRecord> records_;
};

// A record for SetSockets(). The addresses are text, such as "10.0.0.1".
inline SocketRecord MakeSocketRecord(TcpState state,
                                     absl::string_view local_address,
                                     uint16_t local_port,
                                     absl::string_view remote_address,
                                     uint16_t remote_port,
                                     uint32_t expires_ms = 0) {
  SocketRecord record;
  record.state = state;
  record.local_address = IpAddress::Parse(local_address).value();
  record.local_port = local_port;
  record.remote_address = IpAddress::Parse(remote_address).value();
  record.remote_port = remote_port;
  record.expires_ms = expires_ms;
  return record;
}

}  // namespace ephemera::agent

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_COLLECTORS_H_
