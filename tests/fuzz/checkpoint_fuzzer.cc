// What a controller says of its audit log (StreamCommandsResponse), taken by
// somebody who knows an earlier checkpoint of it.
#include <vector>

#include "absl/strings/escaping.h"
#include "common/checkpoint.h"
#include "common/merkle_tree.h"
#include "ephemera/v1/command_service.pb.h"
#include "tests/fuzz/fuzz_target.h"

namespace ephemera {
namespace {

// Of the key in RFC 8032, 7.1, test 1: its secret is known to all, so that
// seeds can be signed.
constexpr char kPublicKey[] =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

// The tree of one leaf "a".
v1::Checkpoint Known() {
  v1::Checkpoint known;
  known.set_tree_size(1);
  known.set_root_hash(merkle::LeafHash("a"));
  return known;
}

void Take(const v1::StreamCommandsResponse& response) {
  static const std::string& key =
      *new std::string(absl::HexStringToBytes(kPublicKey));
  static const v1::Checkpoint& known = *new v1::Checkpoint(Known());
  const std::vector<std::string> proof(response.consistency_proof().begin(),
                                       response.consistency_proof().end());
  CheckpointText(response.checkpoint());
  // From nothing, from a tree, and from itself.
  CheckContinuation({}, response.checkpoint(), proof, key).IgnoreError();
  if (CheckContinuation(known, response.checkpoint(), proof, key).ok()) {
    fuzz::Require(response.checkpoint().tree_size() >= known.tree_size(),
                  "a log that continues has no fewer entries");
    fuzz::Require(VerifyCheckpoint(response.checkpoint(), key).ok(),
                  "a checkpoint that is taken is signed");
  }
  CheckContinuation(response.checkpoint(), response.checkpoint(), {},
                    response.public_key())
      .IgnoreError();
  // The proof alone, of which a signature would keep new inputs away.
  merkle::VerifyConsistency(
      known.tree_size(), response.checkpoint().tree_size(), known.root_hash(),
      response.checkpoint().root_hash(), proof);
}

}  // namespace
}  // namespace ephemera

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ephemera::v1::StreamCommandsResponse response;
  if (!response.ParseFromArray(data, static_cast<int>(size))) return 0;
  ephemera::Take(response);
  return 0;
}
