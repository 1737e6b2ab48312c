#include "common/merkle_tree.h"

#include <bit>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace ephemera::merkle {
namespace {

// A tree in memory, kept as a store would.
class Tree {
 public:
  void Add(const std::string& leaf) {
    const auto nodes = AppendLeaf(leaves_.size(), LeafHash(leaf), Reader());
    ASSERT_TRUE(nodes.ok()) << nodes.status();
    for (const auto& [id, hash] : *nodes) nodes_[{id.level, id.index}] = hash;
    leaves_.push_back(leaf);
  }
  NodeReader Reader() const {
    return [this](NodeId id) -> absl::StatusOr<std::string> {
      const auto found = nodes_.find({id.level, id.index});
      if (found == nodes_.end()) return absl::NotFoundError("no such node");
      return found->second;
    };
  }
  const std::vector<std::string>& leaves() const { return leaves_; }

 private:
  std::map<std::pair<int, uint64_t>, std::string> nodes_;
  std::vector<std::string> leaves_;
};

// MTH of RFC 6962, 2.1, as it stands there.
std::string NaiveRoot(const std::vector<std::string>& leaves, size_t begin,
                      size_t size) {
  if (size == 0) return EmptyRoot();
  if (size == 1) return LeafHash(leaves[begin]);
  const size_t split = std::bit_floor(size - 1);
  return NodeHash(NaiveRoot(leaves, begin, split),
                  NaiveRoot(leaves, begin + split, size - split));
}

constexpr size_t kSizes = 40;

Tree Numbers(size_t size) {
  Tree tree;
  for (size_t i = 0; i < size; ++i) tree.Add("leaf " + std::to_string(i));
  return tree;
}

// The proof with an element more, each element dropped, and each two neighbours
// that differ swapped.
std::vector<std::vector<std::string>> Mutilated(
    const std::vector<std::string>& proof, const std::string& more) {
  std::vector<std::vector<std::string>> others = {proof};
  others.back().push_back(more);
  for (size_t i = 0; i < proof.size(); ++i) {
    others.push_back(proof);
    others.back().erase(others.back().begin() + static_cast<ptrdiff_t>(i));
    if (i == 0 || proof[i] == proof[i - 1]) continue;
    others.push_back(proof);
    std::swap(others.back()[i], others.back()[i - 1]);
  }
  return others;
}

// The well-known vectors of Certificate Transparency's implementations.
TEST(MerkleTree, HashesAsRfc6962Does) {
  EXPECT_EQ(absl::BytesToHexString(EmptyRoot()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(absl::BytesToHexString(LeafHash("")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  Tree tree;
  for (const char* leaf :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f"}) {
    tree.Add(absl::HexStringToBytes(leaf));
  }
  EXPECT_EQ(absl::BytesToHexString(*Root(8, tree.Reader())),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST(MerkleTree, RootsOfAllSizesAreThoseOfTheDefinition) {
  const Tree tree = Numbers(kSizes);
  Accumulator accumulator;
  for (size_t size = 0; size <= kSizes; ++size) {
    const std::string root = NaiveRoot(tree.leaves(), 0, size);
    EXPECT_EQ(*Root(size, tree.Reader()), root) << size;
    EXPECT_EQ(accumulator.Root(), root) << size;
    if (size < kSizes) accumulator.Add(tree.leaves()[size]);
  }
}

TEST(MerkleTree, EveryInclusionIsProvedAndNothingElse) {
  const Tree tree = Numbers(kSizes);
  for (uint64_t size = 1; size <= kSizes; ++size) {
    const std::string root = *Root(size, tree.Reader());
    for (uint64_t index = 0; index < size; ++index) {
      const std::string leaf = LeafHash(tree.leaves()[index]);
      auto proof = *InclusionProof(index, size, tree.Reader());
      EXPECT_TRUE(VerifyInclusion(index, size, leaf, proof, root));
      EXPECT_FALSE(VerifyInclusion(index, size, LeafHash("x"), proof, root));
      EXPECT_FALSE(VerifyInclusion(index, size, leaf, proof, LeafHash("x")));
      for (std::string& hash : proof) {
        hash[0] = static_cast<char>(hash[0] ^ 1);
        EXPECT_FALSE(VerifyInclusion(index, size, leaf, proof, root));
        hash[0] = static_cast<char>(hash[0] ^ 1);
      }
      for (const auto& other : Mutilated(proof, root)) {
        EXPECT_FALSE(VerifyInclusion(index, size, leaf, other, root));
      }
    }
  }
  EXPECT_FALSE(InclusionProof(3, 3, tree.Reader()).ok());
}

TEST(MerkleTree, EveryGrowthIsProvedAndNothingElse) {
  const Tree tree = Numbers(kSizes);
  for (uint64_t size = 1; size <= kSizes; ++size) {
    const std::string root = *Root(size, tree.Reader());
    for (uint64_t old_size = 1; old_size <= size; ++old_size) {
      const std::string old_root = *Root(old_size, tree.Reader());
      auto proof = *ConsistencyProof(old_size, size, tree.Reader());
      EXPECT_TRUE(VerifyConsistency(old_size, size, old_root, root, proof));
      EXPECT_FALSE(
          VerifyConsistency(old_size, size, LeafHash("x"), root, proof));
      EXPECT_FALSE(
          VerifyConsistency(old_size, size, old_root, LeafHash("x"), proof));
      EXPECT_FALSE(
          VerifyConsistency(size + 1, old_size, old_root, root, proof));
      for (std::string& hash : proof) {
        hash[0] = static_cast<char>(hash[0] ^ 1);
        EXPECT_FALSE(VerifyConsistency(old_size, size, old_root, root, proof));
        hash[0] = static_cast<char>(hash[0] ^ 1);
      }
      for (const auto& other : Mutilated(proof, root)) {
        EXPECT_FALSE(VerifyConsistency(old_size, size, old_root, root, other));
      }
    }
  }
  EXPECT_FALSE(ConsistencyProof(4, 3, tree.Reader()).ok());
}

TEST(MerkleTree, HugeSizesFromElsewhereAreFalse) {
  const std::vector<std::string> proof(64, std::string(32, 'h'));
  const std::string hash(32, 'r');
  EXPECT_FALSE(VerifyInclusion(UINT64_MAX - 1, UINT64_MAX, hash, proof, hash));
  EXPECT_FALSE(
      VerifyConsistency(UINT64_MAX - 1, UINT64_MAX, hash, hash, proof));
  EXPECT_FALSE(VerifyConsistency(1, UINT64_MAX, hash, hash, {}));
  EXPECT_FALSE(VerifyInclusion(0, 2, hash, {"short"}, hash));
  EXPECT_TRUE(VerifyConsistency(0, UINT64_MAX, "", hash, {}));
}

}  // namespace
}  // namespace ephemera::merkle
