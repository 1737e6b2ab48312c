// A request to enrol, up to where the store looks for its token.
#include "common/certificate.h"
#include "common/enrolment_token.h"
#include "ephemera/v1/enrolment_service.pb.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ephemera::v1::EnrolRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto token = ephemera::ParseEnrolmentToken(request.token());
  if (token.ok()) {
    ephemera::fuzz::Require(ephemera::ParseEnrolmentToken(*token).ok(),
                            "a token reads as it is written");
    ephemera::HashEnrolmentToken(*token);
  }
  const auto parsed =
      ephemera::ParseCertificateRequest(request.certificate_request());
  if (!parsed.ok()) return 0;
  ephemera::fuzz::Require(!parsed->public_key_der.empty(),
                          "a request has a public key");
  for (const ephemera::Identity& identity : parsed->identities) {
    ephemera::fuzz::Require(ephemera::ParseIdentityUri(identity.Uri()).ok(),
                            "an identity reads as it is written");
  }
  return 0;
}
