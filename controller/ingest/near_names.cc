#include "controller/ingest/near_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"

namespace ephemera::controller {

int EditDistance(absl::string_view a, absl::string_view b) {
  // One row of the Wagner-Fischer table at a time.
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i) + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const int replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> NearNames(absl::string_view name,
                                   const std::vector<std::string>& names) {
  constexpr size_t kMaxNames = 3;
  const int bound = 1 + static_cast<int>(name.size() / 4);
  std::vector<std::pair<int, absl::string_view>> near;
  for (const std::string& other : names) {
    const int distance = EditDistance(name, other);
    if (distance <= bound || absl::StartsWith(other, name) ||
        absl::StartsWith(name, other)) {
      near.emplace_back(distance, other);
    }
  }
  std::sort(near.begin(), near.end());
  if (near.size() > kMaxNames) near.resize(kMaxNames);
  std::vector<std::string> result;
  result.reserve(near.size());
  for (const auto& [distance, other] : near) result.emplace_back(other);
  return result;
}

}  // namespace ephemera::controller
