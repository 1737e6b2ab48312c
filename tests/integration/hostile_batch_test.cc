// What an agent must not send, over the real socket, next to one that behaves.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fleet.h"
#include "tests/integration/ingest_client.h"
#include "tests/support/raw_stream.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

constexpr int64_t kSecond = kTestBootSecond - 1000;

v1::Snapshot& AddSnapshot(v1::SampleBatch& batch) {
  v1::Snapshot& snapshot = *batch.add_snapshots();
  snapshot.set_boottime_us(kSecond * 1'000'000);
  v1::FlowGroup& group = *snapshot.add_flow_groups();
  group.mutable_key()->set_direction(v1::DIRECTION_OUTBOUND);
  group.mutable_key()->set_local_address("10.0.0.1");
  group.mutable_key()->set_remote_address("10.0.0.2");
  group.mutable_key()->set_service_port(80);
  group.mutable_states()->set_time_wait(1);
  return snapshot;
}

struct BadBatch {
  std::string field;  // what the answer must name
  std::function<void(v1::SampleBatch&)> spoil;
};

const std::vector<BadBatch>& BadBatches() {
  static const auto* batches = new std::vector<BadBatch>{
      {"sequence", [](auto& batch) { batch.set_sequence(0); }},
      {"gauges[0].boottime_us",
       [](auto& batch) { batch.mutable_gauges(0)->set_boottime_us(-5); }},
      {"gauges[0].boottime_us",
       [](auto& batch) {
         batch.mutable_gauges(0)->set_boottime_us(INT64_MAX);
       }},
      {"gauges[0].tcp_tw",
       [](auto& batch) { batch.mutable_gauges(0)->set_tcp_tw(UINT64_MAX); }},
      {"gauges",
       [](auto& batch) {
         for (int i = 0; i < 20'000; ++i) batch.add_gauges();
       }},
      {"service_port",
       [](auto& batch) {
         AddSnapshot(batch)
             .mutable_flow_groups(0)
             ->mutable_key()
             ->set_service_port(70'000);
       }},
      {"remote_address",
       [](auto& batch) {
         AddSnapshot(batch)
             .mutable_flow_groups(0)
             ->mutable_key()
             ->set_remote_address("10.0.0.2'; DROP TABLE agents; --");
       }},
      {"closes",
       [](auto& batch) {
         auto* history =
             AddSnapshot(batch).mutable_flow_groups(0)->mutable_close_history();
         for (int i = 0; i < 61; ++i) history->add_closes(1);
       }},
      {"first_second",
       [](auto& batch) {
         auto* history =
             AddSnapshot(batch).mutable_flow_groups(0)->mutable_close_history();
         history->set_first_second(INT64_MIN);
         history->add_closes(1);
       }},
      {"listeners[0].address",
       [](auto& batch) {
         AddSnapshot(batch).add_listeners()->set_address("\x1b[2J");
       }},
      {"values[0].key",
       [](auto& batch) {
         batch.mutable_sysctls()->add_values()->set_key("net\nipv4");
       }},
      {"first_sequence",
       [](auto& batch) { batch.add_drops()->set_last_sequence(0); }},
  };
  return *batches;
}

class HostileBatch : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<Process> controller = fleet_.StartController();
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_.emplace(*std::move(controller));
    good_.emplace(fleet_.NewChannel());
    ASSERT_TRUE(good_->Send(TestHello("good")));
    ASSERT_TRUE(good_->WaitForAnswer(kPatience));
    ExpectGoodGoesOn();
  }

  void ExpectGoodGoesOn() {
    const uint64_t sequence = next_++;
    ASSERT_TRUE(good_->Send(
        TestBatch(sequence, kSecond + static_cast<int64_t>(sequence))));
    EXPECT_TRUE(good_->WaitForAcknowledged(sequence, kPatience));
    EXPECT_FALSE(good_->ended());
    EXPECT_TRUE(controller_->running()) << controller_->err();
  }

  Fleet fleet_;
  std::optional<Process> controller_;
  std::optional<IngestClient> good_;
  uint64_t next_ = 1;
};

TEST_F(HostileBatch, IsRefusedByTheNameOfTheField) {
  for (const BadBatch& bad : BadBatches()) {
    SCOPED_TRACE(bad.field);
    IngestClient client(fleet_.NewChannel());
    ASSERT_TRUE(client.Send(TestHello("bad")));
    ASSERT_TRUE(client.WaitForAnswer(kPatience));
    v1::SampleBatch batch = TestBatch(1, kSecond);
    bad.spoil(batch);
    client.Send(batch);
    const grpc::Status status = client.WaitForEnd(kPatience);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), testing::HasSubstr(bad.field));
    EXPECT_EQ(client.acknowledged(), 0);
    ExpectGoodGoesOn();
  }
}

TEST_F(HostileBatch, OfManyMegabytesIsRefusedUnread) {
  IngestClient client(fleet_.NewChannel());
  ASSERT_TRUE(client.Send(TestHello("bad")));
  ASSERT_TRUE(client.WaitForAnswer(kPatience));
  v1::SampleBatch batch = TestBatch(1, kSecond);
  v1::SysctlValue* value = batch.mutable_sysctls()->add_values();
  value->set_key("net.ipv4.ip_local_reserved_ports");
  value->set_value(std::string(size_t{32} << 20, '1'));
  client.Send(batch);
  const grpc::Status status = client.WaitForEnd(kPatience);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << status.error_message();
  ExpectGoodGoesOn();
}

TEST_F(HostileBatch, ThatIsNoMessageIsRefused) {
  v1::StreamSamplesRequest hello;
  *hello.mutable_hello() = TestHello("bad");
  v1::StreamSamplesRequest not_utf8;
  not_utf8.mutable_hello()->set_hostname("\xc0\xaf");
  const std::vector<std::string> garbage = {
      "\xff", std::string(100'000, '\xff'), not_utf8.SerializeAsString(),
      // A batch that promises more than there is.
      std::string("\x12\x7f\x08", 3)};
  for (const bool says_hello : {false, true}) {
    for (const std::string& bytes : garbage) {
      RawStream stream(fleet_.NewChannel(),
                       "/ephemera.v1.IngestService/StreamSamples");
      if (says_hello) {
        ASSERT_TRUE(stream.Write(hello.SerializeAsString()));
        ASSERT_TRUE(stream.Read());
      }
      stream.Write(bytes);
      EXPECT_FALSE(stream.Read());
      const grpc::Status status = stream.Finish();
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
      EXPECT_THAT(status.error_message(), testing::HasSubstr("request"));
      ExpectGoodGoesOn();
    }
  }
}

TEST_F(HostileBatch, BeforeAHelloIsRefused) {
  IngestClient client(fleet_.NewChannel());
  client.Send(TestBatch(1, kSecond));
  const grpc::Status status = client.WaitForEnd(kPatience);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("hello"));
  ExpectGoodGoesOn();
}

TEST_F(HostileBatch, AfterABadHelloIsNotEvenRead) {
  const std::vector<
      std::pair<std::string, std::function<void(v1::AgentHello&)>>>
      spoilers = {
          {"agent", [](auto& hello) { hello.set_agent("agents/../etc"); }},
          {"agent", [](auto& hello) { hello.clear_agent(); }},
          {"boot_id", [](auto& hello) { hello.clear_boot_id(); }},
          {"boot_id",
           [](auto& hello) { hello.set_boot_id(std::string(65, 'x')); }},
          {"host_boot_id", [](auto& hello) { hello.clear_host_boot_id(); }},
          {"boottime_us", [](auto& hello) { hello.set_boottime_us(-1); }},
          {"hostname", [](auto& hello) { hello.set_hostname("a\x1b[2Jb"); }},
      };
  for (const auto& [field, spoil] : spoilers) {
    SCOPED_TRACE(field);
    IngestClient client(fleet_.NewChannel());
    v1::AgentHello hello = TestHello("bad");
    spoil(hello);
    client.Send(hello);
    const grpc::Status status = client.WaitForEnd(kPatience);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), testing::HasSubstr(field));
  }
  ExpectGoodGoesOn();
}

TEST_F(HostileBatch, ThatIsNoGrpcAtAllHarmsNobody) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\xff'),
        absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     std::string(64, '\xff'))}) {
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = fleet_.address().substr(5);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                      sizeof address),
              0);
    send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ExpectGoodGoesOn();
  }
}

}  // namespace
}  // namespace ephemera
