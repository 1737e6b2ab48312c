#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_AGENT_STORE_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_AGENT_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "controller/store/agent_store.h"

namespace ephemera::controller {

// Registers agents in memory: at once, or when Complete() says so. Thread-safe.
class FakeAgentStore final : public AgentStore {
 public:
  absl::Status Register(
      const AgentRecord& agent, const std::string& boot_id,
      std::function<void(absl::StatusOr<RegisteredAgent>)> done) override {
    RegisteredAgent registered;
    {
      const MutexLock lock(mutex_);
      if (capacity_ == 0) return absl::ResourceExhaustedError("full");
      const auto [it, is_new] =
          ids_.try_emplace(agent.name, static_cast<AgentId>(ids_.size()) + 1);
      registered.id = it->second;
      registered.epoch = agent.epoch;
      registered.first_seen = agent.first_seen;
      registered.acknowledged_sequence = acknowledged_[boot_id];
      if (!automatic_) {
        waiting_ = [done = std::move(done), registered] { done(registered); };
        changed_.SignalAll();
        return absl::OkStatus();
      }
    }
    done(registered);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::pair<AgentRecord, NewestReadings>>> LoadAll()
      override {
    return std::vector<std::pair<AgentRecord, NewestReadings>>();
  }

  void SetAutomatic(bool automatic) {
    const MutexLock lock(mutex_);
    automatic_ = automatic;
  }
  void SetCapacity(size_t capacity) {
    const MutexLock lock(mutex_);
    capacity_ = capacity;
  }
  void SetAcknowledged(const std::string& boot_id, uint64_t sequence) {
    const MutexLock lock(mutex_);
    acknowledged_[boot_id] = sequence;
  }

  // Waits for a Register() that is not automatic, and answers it.
  void Complete() { TakeWaiting()(); }
  std::function<void()> TakeWaiting() {
    const MutexLock lock(mutex_);
    while (!waiting_) changed_.Wait(mutex_);
    return std::exchange(waiting_, nullptr);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool automatic_ ABSL_GUARDED_BY(mutex_) = true;
  size_t capacity_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::string, AgentId> ids_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> acknowledged_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_AGENT_STORE_H_
