#include "agent/sampler/cpu_budget.h"

#include <algorithm>

namespace ephemera::agent {
namespace {

constexpr double kEarnedOfShare = 0.8;
constexpr absl::Duration kCapacity = absl::Seconds(20);

}  // namespace

CpuBudget::CpuBudget(double share, absl::Duration now, absl::Duration cpu_used)
    : earned_per_second_(kEarnedOfShare * share),
      cap_(kCapacity * earned_per_second_),
      last_now_(now),
      last_cpu_used_(cpu_used) {}

void CpuBudget::Update(absl::Duration now, absl::Duration cpu_used) {
  balance_ += (now - last_now_) * earned_per_second_;
  balance_ -= cpu_used - last_cpu_used_;
  balance_ = std::min(balance_, cap_);
  last_now_ = now;
  last_cpu_used_ = cpu_used;
}

bool CpuBudget::Covers(absl::Duration cost) const {
  return balance_ >= std::min(cost, cap_);
}

}  // namespace ephemera::agent
