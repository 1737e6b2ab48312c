#include "cli/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"

namespace ephemera::cli {
namespace {

// Insertions, deletions, substitutions and swaps of neighbours that turn `a`
// into `b` (optimal string alignment).
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = last[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = std::exchange(last, std::move(row));
  }
  return last.back();
}

}  // namespace

std::vector<std::string> NearNames(const std::string& typed,
                                   const std::vector<std::string>& known) {
  constexpr size_t kMaxNames = 3;
  // Nothing that long is a typing error.
  constexpr size_t kMaxLength = 100;
  std::vector<std::pair<size_t, std::string>> near;
  if (typed.empty() || typed.size() > kMaxLength) return {};
  for (const std::string& name : known) {
    const size_t distance =
        absl::StartsWith(name, typed) ? 0 : Distance(typed, name);
    if (distance <= std::max<size_t>(1, typed.size() / 3)) {
      near.emplace_back(distance, name);
    }
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> names;
  for (const auto& [distance, name] : near) {
    if (names.size() < kMaxNames) names.push_back(name);
  }
  return names;
}

}  // namespace ephemera::cli
