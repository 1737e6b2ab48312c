// A key file.
#include "common/private_key.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto key =
      ephemera::PrivateKey::FromPem(ephemera::fuzz::Text(data, size));
  if (!key.ok()) return 0;
  ephemera::fuzz::Require(ephemera::PrivateKey::FromPem(key->ToPem()).ok(),
                          "a key reads as it is written");
  ephemera::fuzz::Require(!key->IsEd25519() || key->RawPublicKey().size() == 32,
                          "an Ed25519 key has 32 bytes");
  key->PublicKeyDer();
  return 0;
}
