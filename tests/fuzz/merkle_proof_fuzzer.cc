// Proofs of the audit log's tree, against trees of up to 64 leaves. A proof
// that holds must say what is so.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/merkle_tree.h"
#include "tests/fuzz/fuzz_target.h"

namespace ephemera {
namespace {

constexpr uint64_t kMaxLeaves = 64;
constexpr size_t kHeaderBytes = 5;
constexpr size_t kHashBytes = 32;

// Roots of the trees of 0, 1, 2 and so on leaves.
const std::vector<std::string>& Roots() {
  static const std::vector<std::string>& roots =
      *new std::vector<std::string>([] {
        merkle::Accumulator tree;
        std::vector<std::string> result = {tree.Root()};
        for (uint64_t i = 0; i < kMaxLeaves; ++i) {
          tree.Add(absl::StrCat("leaf ", i));
          result.push_back(tree.Root());
        }
        return result;
      }());
  return roots;
}

// The complete subtrees, by level and index.
const std::vector<std::vector<std::string>>& Nodes() {
  static const std::vector<std::vector<std::string>>& nodes =
      *new std::vector<std::vector<std::string>>([] {
        std::vector<std::vector<std::string>> levels(1);
        for (uint64_t i = 0; i < kMaxLeaves; ++i) {
          levels[0].push_back(merkle::LeafHash(absl::StrCat("leaf ", i)));
        }
        while (levels.back().size() > 1) {
          const std::vector<std::string>& below = levels.back();
          std::vector<std::string> level;
          for (size_t i = 0; i + 1 < below.size(); i += 2) {
            level.push_back(merkle::NodeHash(below[i], below[i + 1]));
          }
          levels.push_back(std::move(level));
        }
        return levels;
      }());
  return nodes;
}

absl::StatusOr<std::string> ReadNode(merkle::NodeId id) {
  return Nodes().at(static_cast<size_t>(id.level)).at(id.index);
}

void Try(const uint8_t* data, size_t size) {
  const uint64_t first = data[0] % (kMaxLeaves + 1);
  const uint64_t second = data[1] % (kMaxLeaves + 1);
  const uint64_t claimed = data[2] % (kMaxLeaves + 1);
  const bool inclusion = data[3] % 2 == 0;
  absl::StatusOr<std::vector<std::string>> proof =
      inclusion ? merkle::InclusionProof(first, second, ReadNode)
                : merkle::ConsistencyProof(first, second, ReadNode);
  std::vector<std::string> path;
  if (proof.ok()) path = *std::move(proof);
  // Each further byte changes one hash: removes, repeats, swaps or flips.
  absl::string_view rest = fuzz::Text(data + kHeaderBytes, size - kHeaderBytes);
  const bool is_own = rest.empty();
  while (rest.size() >= 2 && path.size() < 100) {
    const auto what = static_cast<uint8_t>(rest[0]);
    const size_t where =
        path.empty() ? 0 : static_cast<uint8_t>(rest[1]) % path.size();
    rest.remove_prefix(2);
    if (what % 4 == 0) {
      const size_t length = std::min<size_t>(rest.size(), kHashBytes);
      path.insert(path.begin() + static_cast<ptrdiff_t>(where),
                  std::string(rest.substr(0, length)));
      rest.remove_prefix(length);
    } else if (path.empty()) {
      continue;
    } else if (what % 4 == 1) {
      path.erase(path.begin() + static_cast<ptrdiff_t>(where));
    } else if (what % 4 == 2) {
      path.push_back(path[where]);
    } else if (!path[where].empty()) {
      path[where][what % path[where].size()] ^= 1;
    }
  }
  if (inclusion) {
    const bool holds = merkle::VerifyInclusion(
        first, second, merkle::LeafHash(absl::StrCat("leaf ", claimed)), path,
        Roots()[second]);
    fuzz::Require(!holds || (first == claimed && first < second),
                  "a proof of inclusion holds for its own leaf alone");
    fuzz::Require(holds || !is_own || first != claimed || first >= second,
                  "our own proof of inclusion holds");
    return;
  }
  const bool holds = merkle::VerifyConsistency(first, second, Roots()[claimed],
                                               Roots()[second], path);
  fuzz::Require(!holds || first == 0 || (first == claimed && first <= second),
                "a proof of consistency holds for its own tree alone");
  fuzz::Require(holds || !is_own || first != claimed || first > second,
                "our own proof of consistency holds");
}

}  // namespace
}  // namespace ephemera

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < ephemera::kHeaderBytes) return 0;
  ephemera::Try(data, size);
  return 0;
}
