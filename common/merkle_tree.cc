#include "common/merkle_tree.h"

#include <algorithm>
#include <bit>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/private_key.h"

namespace ephemera::merkle {
namespace {

constexpr absl::string_view kLeafPrefix("\0", 1);
constexpr absl::string_view kNodePrefix("\1", 1);
constexpr size_t kHashBytes = 32;

// The largest power of two below `size`. REQUIRES: size > 1.
uint64_t SplitPoint(uint64_t size) { return std::bit_floor(size - 1); }

// Root of the leaves [begin, begin + size), where `begin` is a multiple of the
// smallest power of two that is not below `size`.
absl::StatusOr<std::string> RangeRoot(uint64_t begin, uint64_t size,
                                      const NodeReader& read) {
  if (std::has_single_bit(size)) {
    const int level = std::countr_zero(size);
    return read({.level = level, .index = begin >> level});
  }
  const uint64_t split = SplitPoint(size);
  absl::StatusOr<std::string> left = RangeRoot(begin, split, read);
  if (!left.ok()) return left;
  absl::StatusOr<std::string> right =
      RangeRoot(begin + split, size - split, read);
  if (!right.ok()) return right;
  return NodeHash(*left, *right);
}

// PATH(index, D[begin:begin+size]) of the RFC, appended to `proof`.
absl::Status Path(uint64_t index, uint64_t begin, uint64_t size,
                  const NodeReader& read, std::vector<std::string>& proof) {
  if (size == 1) return absl::OkStatus();
  const uint64_t split = SplitPoint(size);
  const bool left = index < split;
  absl::Status status =
      left ? Path(index, begin, split, read, proof)
           : Path(index - split, begin + split, size - split, read, proof);
  if (!status.ok()) return status;
  absl::StatusOr<std::string> sibling =
      left ? RangeRoot(begin + split, size - split, read)
           : RangeRoot(begin, split, read);
  if (!sibling.ok()) return sibling.status();
  proof.push_back(*std::move(sibling));
  return absl::OkStatus();
}

// SUBPROOF(old_size, D[begin:begin+size], complete) of the RFC.
absl::Status Subproof(uint64_t old_size, uint64_t begin, uint64_t size,
                      bool complete, const NodeReader& read,
                      std::vector<std::string>& proof) {
  if (old_size == size) {
    if (complete) return absl::OkStatus();
    absl::StatusOr<std::string> root = RangeRoot(begin, size, read);
    if (!root.ok()) return root.status();
    proof.push_back(*std::move(root));
    return absl::OkStatus();
  }
  const uint64_t split = SplitPoint(size);
  const bool left = old_size <= split;
  absl::Status status =
      left ? Subproof(old_size, begin, split, complete, read, proof)
           : Subproof(old_size - split, begin + split, size - split, false,
                      read, proof);
  if (!status.ok()) return status;
  absl::StatusOr<std::string> sibling =
      left ? RangeRoot(begin + split, size - split, read)
           : RangeRoot(begin, split, read);
  if (!sibling.ok()) return sibling.status();
  proof.push_back(*std::move(sibling));
  return absl::OkStatus();
}

bool AreHashes(const std::vector<std::string>& proof) {
  return std::all_of(proof.begin(), proof.end(), [](const std::string& hash) {
    return hash.size() == kHashBytes;
  });
}

}  // namespace

std::string LeafHash(absl::string_view leaf) {
  return Sha256(absl::StrCat(kLeafPrefix, leaf));
}

std::string NodeHash(absl::string_view left, absl::string_view right) {
  return Sha256(absl::StrCat(kNodePrefix, left, right));
}

std::string EmptyRoot() { return Sha256(""); }

absl::StatusOr<std::vector<std::pair<NodeId, std::string>>> AppendLeaf(
    uint64_t index, std::string leaf_hash, const NodeReader& read) {
  std::vector<std::pair<NodeId, std::string>> nodes;
  NodeId id{.level = 0, .index = index};
  nodes.emplace_back(id, std::move(leaf_hash));
  // A right child completes its parent.
  while (id.index % 2 == 1) {
    const absl::StatusOr<std::string> left =
        read({.level = id.level, .index = id.index - 1});
    if (!left.ok()) return left.status();
    std::string parent = NodeHash(*left, nodes.back().second);
    id = {.level = id.level + 1, .index = id.index / 2};
    nodes.emplace_back(id, std::move(parent));
  }
  return nodes;
}

absl::StatusOr<std::string> Root(uint64_t size, const NodeReader& read) {
  if (size == 0) return EmptyRoot();
  return RangeRoot(0, size, read);
}

absl::StatusOr<std::vector<std::string>> InclusionProof(
    uint64_t index, uint64_t size, const NodeReader& read) {
  if (index >= size) {
    return absl::InvalidArgumentError(
        absl::StrCat("leaf ", index, " is not among the first ", size));
  }
  std::vector<std::string> proof;
  absl::Status status = Path(index, 0, size, read, proof);
  if (!status.ok()) return status;
  return proof;
}

absl::StatusOr<std::vector<std::string>> ConsistencyProof(
    uint64_t old_size, uint64_t size, const NodeReader& read) {
  if (old_size > size) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tree of ", size, " has no ", old_size, " leaves"));
  }
  std::vector<std::string> proof;
  if (old_size == 0 || old_size == size) return proof;
  absl::Status status = Subproof(old_size, 0, size, true, read, proof);
  if (!status.ok()) return status;
  return proof;
}

// The iterative forms of RFC 9162, 2.1.3.2 and 2.1.4.2: their work is bounded
// by the length of the proof, whatever sizes a peer names.
bool VerifyInclusion(uint64_t index, uint64_t size, absl::string_view leaf_hash,
                     const std::vector<std::string>& proof,
                     absl::string_view root) {
  if (index >= size || leaf_hash.size() != kHashBytes || !AreHashes(proof)) {
    return false;
  }
  uint64_t node = index;
  uint64_t last = size - 1;
  std::string hash(leaf_hash);
  for (const std::string& sibling : proof) {
    if (last == 0) return false;
    if (node % 2 == 1 || node == last) {
      hash = NodeHash(sibling, hash);
      while (node % 2 == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = NodeHash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool VerifyConsistency(uint64_t old_size, uint64_t size,
                       absl::string_view old_root, absl::string_view root,
                       const std::vector<std::string>& proof) {
  if (old_size > size || !AreHashes(proof)) return false;
  if (old_size == 0) return proof.empty();
  if (old_size == size) return proof.empty() && old_root == root;
  std::vector<std::string> path = proof;
  // A complete old tree is its own first element.
  if (std::has_single_bit(old_size)) {
    path.insert(path.begin(), std::string(old_root));
  }
  if (path.empty()) return false;
  uint64_t node = old_size - 1;
  uint64_t last = size - 1;
  while (node % 2 == 1) {
    node >>= 1;
    last >>= 1;
  }
  std::string old_hash = path.front();
  std::string hash = path.front();
  for (size_t i = 1; i < path.size(); ++i) {
    if (last == 0) return false;
    if (node % 2 == 1 || node == last) {
      old_hash = NodeHash(path[i], old_hash);
      hash = NodeHash(path[i], hash);
      while (node % 2 == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = NodeHash(hash, path[i]);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == old_root && hash == root;
}

void Accumulator::AddHash(std::string leaf_hash) {
  // Each trailing one bit of the size is a subtree that this one completes.
  for (uint64_t bits = size_; bits % 2 == 1; bits >>= 1) {
    leaf_hash = NodeHash(frontier_.back(), leaf_hash);
    frontier_.pop_back();
  }
  frontier_.push_back(std::move(leaf_hash));
  ++size_;
}

std::string Accumulator::Root() const {
  if (frontier_.empty()) return EmptyRoot();
  std::string root = frontier_.back();
  for (auto left = std::next(frontier_.rbegin()); left != frontier_.rend();
       ++left) {
    root = NodeHash(*left, root);
  }
  return root;
}

}  // namespace ephemera::merkle
