// A certificate as a TLS peer or a file holds it, PEM or DER.
#include "common/certificate.h"
#include "tests/fuzz/fuzz_target.h"

namespace ephemera {
namespace {

void Look(const absl::StatusOr<Certificate>& certificate) {
  if (!certificate.ok()) return;
  const absl::StatusOr<Identity> identity = certificate->identity();
  if (identity.ok()) {
    fuzz::Require(ParseIdentityUri(identity->Uri()).ok(),
                  "an identity reads as it is written");
  }
  fuzz::Require(certificate->Fingerprint().size() == 64,
                "a fingerprint has 64 digits");
  certificate->Serial();
  certificate->hosts();
  certificate->not_before();
  certificate->not_after();
  certificate->PublicKeyDer();
  certificate->IsRoot();
  fuzz::Require(Certificate::FromPem(certificate->ToPem()).ok(),
                "a certificate reads as it is written");
}

}  // namespace
}  // namespace ephemera

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = ephemera::fuzz::Text(data, size);
  ephemera::Look(ephemera::Certificate::FromDer(bytes));
  ephemera::Look(ephemera::Certificate::FromPem(bytes));
  return 0;
}
