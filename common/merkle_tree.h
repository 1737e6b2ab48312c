#ifndef EPHEMERA_COMMON_MERKLE_TREE_H_
#define EPHEMERA_COMMON_MERKLE_TREE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// The Merkle tree of RFC 6962, section 2.1, with SHA-256: a leaf is hashed
// after a byte 0x00, a node after 0x01. Pure functions; hashes are strings of
// 32 bytes.
namespace ephemera::merkle {

std::string LeafHash(absl::string_view leaf);
std::string NodeHash(absl::string_view left, absl::string_view right);
// Of no leaves.
std::string EmptyRoot();

// A complete subtree: leaves [index << level, (index + 1) << level).
struct NodeId {
  int level = 0;
  uint64_t index = 0;
};

// Hash of a complete subtree that lies within the tree. May fail: it reads a
// disk.
using NodeReader = std::function<absl::StatusOr<std::string>(NodeId)>;

// The nodes that become complete when leaf number `index` comes, lowest first,
// the leaf's own included. `read` is asked for their left halves.
absl::StatusOr<std::vector<std::pair<NodeId, std::string>>> AppendLeaf(
    uint64_t index, std::string leaf_hash, const NodeReader& read);

// Root of the first `size` leaves.
absl::StatusOr<std::string> Root(uint64_t size, const NodeReader& read);

// RFC 6962, 2.1.1: that leaf `index` is in the first `size` leaves.
// INVALID_ARGUMENT unless index < size.
absl::StatusOr<std::vector<std::string>> InclusionProof(uint64_t index,
                                                        uint64_t size,
                                                        const NodeReader& read);
// 2.1.2: that the first `size` leaves begin with the first `old_size`. Empty
// where old_size is 0 or size. INVALID_ARGUMENT unless old_size <= size.
absl::StatusOr<std::vector<std::string>> ConsistencyProof(
    uint64_t old_size, uint64_t size, const NodeReader& read);

// Whether the proof proves it. Bytes from elsewhere: anything malformed is
// false. From old_size 0 anything follows, with an empty proof.
bool VerifyInclusion(uint64_t index, uint64_t size, absl::string_view leaf_hash,
                     const std::vector<std::string>& proof,
                     absl::string_view root);
bool VerifyConsistency(uint64_t old_size, uint64_t size,
                       absl::string_view old_root, absl::string_view root,
                       const std::vector<std::string>& proof);

// The root of leaves that come one after the other, in O(log n) memory. Not
// thread-safe.
class Accumulator {
 public:
  void Add(absl::string_view leaf) { AddHash(LeafHash(leaf)); }
  void AddHash(std::string leaf_hash);
  uint64_t size() const { return size_; }
  std::string Root() const;

 private:
  uint64_t size_ = 0;
  // Roots of the complete subtrees, largest first: one for each bit of size_.
  std::vector<std::string> frontier_;
};

}  // namespace ephemera::merkle

#endif  // EPHEMERA_COMMON_MERKLE_TREE_H_
