#ifndef EPHEMERA_TESTS_SUPPORT_TEST_LOG_H_
#define EPHEMERA_TESTS_SUPPORT_TEST_LOG_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/audit_export.h"
#include "common/checkpoint.h"
#include "common/merkle_tree.h"
#include "common/private_key.h"

namespace ephemera {

// A small audit log in memory, as a controller would keep it: its leaves are
// events 0, 1, ..., signed a second apart. Edit leaves() and every checkpoint
// and proof follow, signed: what a thief of the key could make.
class TestLog {
 public:
  explicit TestLog(int entries, PrivateKey key = *PrivateKey::GenerateEd25519())
      : key_(std::move(key)) {
    for (int i = 0; i < entries; ++i) Add();
  }

  void Add() {
    leaves_.push_back(absl::StrCat("{\"index\":\"", leaves_.size(),
                                   "\",\"actor\":\"users/ann\"}"));
  }
  std::vector<std::string>& leaves() { return leaves_; }
  const PrivateKey& key() const { return key_; }
  std::string public_key() const { return key_.RawPublicKey(); }

  v1::Checkpoint CheckpointAt(uint64_t size) const {
    return *SignCheckpoint(size, *merkle::Root(size, Reader()),
                           absl::FromUnixSeconds(1'800'000'000) +
                               absl::Seconds(static_cast<int64_t>(size)),
                           key_);
  }
  v1::Checkpoint Newest() const { return CheckpointAt(leaves_.size()); }
  std::vector<std::string> Proof(uint64_t old_size, uint64_t size) const {
    return *merkle::ConsistencyProof(old_size, size, Reader());
  }
  std::vector<std::string> ProofTo(uint64_t size) const {
    return Proof(size, leaves_.size());
  }

  // The lines of its export, each with its newline.
  std::vector<std::string> Export() const {
    std::vector<std::string> lines = {AuditExportHeader(public_key())};
    for (uint64_t i = 0; i < leaves_.size(); ++i) {
      lines.push_back(leaves_[i] + "\n");
      lines.push_back(
          AuditExportCheckpoint(CheckpointAt(i + 1), Proof(i, i + 1)));
    }
    return lines;
  }

 private:
  merkle::NodeReader Reader() const {
    return [this](merkle::NodeId id) { return Node(id.level, id.index); };
  }
  std::string Node(int level, uint64_t index) const {
    if (level == 0) return merkle::LeafHash(leaves_[index]);
    return merkle::NodeHash(Node(level - 1, 2 * index),
                            Node(level - 1, 2 * index + 1));
  }

  PrivateKey key_;
  std::vector<std::string> leaves_;
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_TEST_LOG_H_
