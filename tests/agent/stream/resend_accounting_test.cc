// Random lives of a resend buffer: whatever is made must reach the controller
// or be covered by exactly one drop report that does.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "agent/stream/resend_buffer.h"
#include "gtest/gtest.h"
#include "tests/agent/stream/batches.h"

namespace ephemera::agent {
namespace {

constexpr size_t kMaxBytes = 20'000;
// What a discarded batch leaves, generously.
constexpr size_t kAccountBytes = 256;

// A buffer, a controller and the connection between them.
class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {}

  void Step() {
    switch (Pick(10)) {
      case 0:
      case 1:
      case 2:
        Make();
        break;
      case 3:
      case 4:
      case 5:
        Send();
        break;
      case 6:
      case 7:
        Receive(Pick(20) == 0);
        break;
      case 8:
        Acknowledge();
        break;
      default:
        // Most connections last for a while, as do most outages.
        if (Pick(8) == 0) connected_ ? Disconnect() : Connect();
        break;
    }
    ASSERT_LE(buffer_.bytes(),
              kMaxBytes + ResendBuffer::kWindow * kAccountBytes);
  }

  // Brings everything over, and the last reports on further batches.
  void Settle() {
    if (connected_) Disconnect();
    Connect();
    for (int i = 0; i < 20; ++i) {
      Make();
      while (Send()) {
      }
      while (!in_flight_.empty()) Receive(false);
      Acknowledge();
      // All up to the highest, since Acknowledge() picks at random.
      ASSERT_TRUE(buffer_.Acknowledge(highest_stored_).ok());
    }
    EXPECT_EQ(buffer_.size(), 0U);
    EXPECT_EQ(buffer_.bytes(), 0U);
  }

  void CheckAccounts() {
    uint64_t reported = 0;
    for (const v1::DropReport& report : reports_) {
      ASSERT_LE(report.first_sequence(), report.last_sequence());
      uint32_t gauges = 0;
      uint32_t snapshots = 0;
      for (uint64_t sequence = report.first_sequence();
           sequence <= report.last_sequence(); ++sequence) {
        ASSERT_EQ(stored_.count(sequence), 0U)
            << sequence << " is stored and reported as lost";
        ASSERT_EQ(made_.count(sequence), 1U)
            << sequence << " is reported twice, or was never made";
        gauges += made_[sequence].gauges;
        snapshots += made_[sequence].snapshots;
        EXPECT_GE(made_[sequence].boottime_us, report.first_boottime_us());
        EXPECT_LE(made_[sequence].boottime_us, report.last_boottime_us());
        ASSERT_EQ(refused_.count(sequence) > 0,
                  report.reason() == v1::DropReport::REASON_REFUSED);
        made_.erase(sequence);
        ++reported;
      }
      EXPECT_EQ(report.gauges(), gauges);
      EXPECT_EQ(report.snapshots(), snapshots);
    }
    for (const auto& [sequence, unused] : stored_) made_.erase(sequence);
    EXPECT_TRUE(made_.empty())
        << made_.size() << " batches vanished, first " << made_.begin()->first;
    EXPECT_EQ(buffer_.dropped(), reported);
  }

  bool dropped_some() const { return buffer_.dropped() > refused_.size(); }

 private:
  struct Made {
    uint32_t gauges = 0;
    uint32_t snapshots = 0;
    int64_t boottime_us = 0;
  };

  uint32_t Pick(uint32_t bound) {
    return std::uniform_int_distribution<uint32_t>(0, bound - 1)(random_);
  }

  void Make() {
    Made made;
    made.boottime_us = ++now_us_;
    v1::SampleBatch batch;
    for (made.gauges = 0; made.gauges < Pick(4); ++made.gauges) {
      *batch.add_gauges() = MakeGauge(now_us_);
    }
    if (made.gauges == 0) {
      made.snapshots = 1;
      v1::Snapshot& snapshot = *batch.add_snapshots();
      snapshot.set_boottime_us(now_us_);
      // Now and then larger than the whole buffer.
      snapshot.add_listeners()->set_address(
          std::string(Pick(50) == 0 ? kMaxBytes : Pick(3000), 'a'));
    }
    made_[buffer_.Add(std::move(batch))] = made;
  }

  bool Send() {
    if (!connected_) return false;
    std::optional<v1::SampleBatch> batch = buffer_.Next();
    if (!batch.has_value()) return false;
    in_flight_.push_back(*std::move(batch));
    return true;
  }

  void Receive(bool refuse) {
    if (in_flight_.empty()) return;
    const v1::SampleBatch batch = std::move(in_flight_.front());
    in_flight_.pop_front();
    ASSERT_GT(batch.sequence(), last_received_) << "out of order";
    last_received_ = batch.sequence();
    for (const v1::DropReport& report : batch.drops()) {
      ASSERT_LT(report.last_sequence(), batch.sequence());
    }
    if (refuse) {
      refused_[batch.sequence()] = true;
      in_flight_.clear();
      connected_ = false;
      ASSERT_TRUE(buffer_.Refuse(batch.sequence()));
      return;
    }
    ASSERT_TRUE(stored_.emplace(batch.sequence(), true).second);
    highest_stored_ = batch.sequence();
    reports_.insert(reports_.end(), batch.drops().begin(), batch.drops().end());
  }

  void Acknowledge() {
    if (!connected_ || highest_stored_ == 0) return;
    const uint64_t back = Pick(3);
    ASSERT_TRUE(
        buffer_.Acknowledge(highest_stored_ - std::min(back, highest_stored_))
            .ok());
  }

  // Some of what is under way still arrives, without an acknowledgement.
  void Disconnect() {
    const size_t arrive = Pick(static_cast<uint32_t>(in_flight_.size()) + 1);
    for (size_t i = 0; i < arrive; ++i) Receive(false);
    in_flight_.clear();
    connected_ = false;
  }

  void Connect() {
    connected_ = true;
    last_received_ = 0;
    ASSERT_TRUE(buffer_.Rewind(highest_stored_).ok());
  }

  std::mt19937 random_;
  ResendBuffer buffer_{kMaxBytes};
  int64_t now_us_ = 0;
  std::map<uint64_t, Made> made_;

  bool connected_ = false;
  std::deque<v1::SampleBatch> in_flight_;
  uint64_t last_received_ = 0;

  uint64_t highest_stored_ = 0;
  std::map<uint64_t, bool> stored_;
  std::map<uint64_t, bool> refused_;
  std::vector<v1::DropReport> reports_;
};

TEST(ResendBufferAccounting, EveryBatchIsStoredOrReportedOnce) {
  int lives_with_drops = 0;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int i = 0; i < 1000; ++i) {
      world.Step();
      if (HasFatalFailure()) return;
    }
    world.Settle();
    if (HasFatalFailure()) return;
    lives_with_drops += world.dropped_some() ? 1 : 0;
    world.CheckAccounts();
    if (HasFailure()) return;
  }
  // Else this test would show little.
  EXPECT_GT(lives_with_drops, 100);
}

}  // namespace
}  // namespace ephemera::agent
