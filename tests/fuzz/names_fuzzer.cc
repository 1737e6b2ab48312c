// Names of agents and people, fingerprints, tokens.
#include "common/certificate.h"
#include "common/enrolment_token.h"
#include "common/identity.h"
#include "common/resource_name.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = ephemera::fuzz::Text(data, size);
  const auto agent = ephemera::ParseAgentResourceName(text);
  if (agent.ok()) {
    ephemera::fuzz::Require(ephemera::AgentResourceName(*agent) == text,
                            "an agent's name is as it is written");
  }
  const auto identity = ephemera::ParseIdentity(text);
  if (identity.ok()) {
    ephemera::fuzz::Require(identity->ResourceName() == text,
                            "an identity is as it is written");
  }
  const auto uri = ephemera::ParseIdentityUri(text);
  if (uri.ok()) {
    ephemera::fuzz::Require(uri->Uri() == text, "a URI is as it is written");
  }
  const auto fingerprint = ephemera::ParseFingerprint(text);
  if (fingerprint.ok()) {
    ephemera::fuzz::Require(fingerprint->size() == 64,
                            "a fingerprint has 64 digits");
  }
  ephemera::ParseEnrolmentToken(text).IgnoreError();
  return 0;
}
