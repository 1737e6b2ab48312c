#include "controller/identity/identity_context.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/enrolment_token.h"
#include "common/openssl.h"
#include "common/proto_time.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
namespace {

constexpr absl::Duration kDefaultTtl = absl::Minutes(15);
constexpr absl::Duration kShortestTtl = absl::Minutes(1);
constexpr absl::Duration kLongestTtl = absl::Hours(24 * 7);
constexpr size_t kTokenIdBytes = 8;

v1::Token::State StateOf(const TokenRecord& token, absl::Time now) {
  if (token.revoked) return v1::Token::STATE_REVOKED;
  if (token.used.has_value()) return v1::Token::STATE_USED;
  return token.expires <= now ? v1::Token::STATE_EXPIRED
                              : v1::Token::STATE_PENDING;
}

}  // namespace

absl::StatusOr<MintedToken> MintToken(const IdentityContext& context,
                                      const Identity& identity,
                                      absl::Duration ttl, std::string creator) {
  if (context.ca == nullptr) {
    return absl::FailedPreconditionError(
        "the controller has no certificate authority yet: run "
        "'ephemera-controller init --name HOST' with its --data-dir, then "
        "restart it with --listen HOST:PORT");
  }
  absl::StatusOr<std::string> secret = NewEnrolmentToken();
  if (!secret.ok()) return secret.status();
  const absl::StatusOr<std::string> id = RandomBytes(kTokenIdBytes);
  if (!id.ok()) return id.status();
  MintedToken minted;
  minted.record.id = absl::BytesToHexString(*id);
  minted.record.hash = HashEnrolmentToken(*secret);
  minted.record.identity = identity;
  minted.record.creator = std::move(creator);
  minted.record.created = context.clock.Now();
  minted.record.expires = minted.record.created + ttl;
  minted.secret = *std::move(secret);
  return minted;
}

absl::StatusOr<absl::Duration> ParseTtl(bool given,
                                        const google::protobuf::Duration& ttl) {
  if (!given) return kDefaultTtl;
  absl::StatusOr<absl::Duration> asked = FromProto(ttl);
  if (!asked.ok()) return FieldError("ttl", asked.status().message());
  if (*asked < kShortestTtl || *asked > kLongestTtl) {
    return FieldError(
        "ttl", absl::StrCat(absl::FormatDuration(*asked), " is not 1m to 7d"));
  }
  return asked;
}

v1::Token ToProto(const TokenRecord& token, absl::Time now) {
  v1::Token result;
  result.set_name(absl::StrCat("tokens/", token.id));
  result.set_identity(token.identity.ResourceName());
  result.mutable_labels()->insert(token.labels.begin(), token.labels.end());
  result.set_state(StateOf(token, now));
  result.set_creator(token.creator);
  *result.mutable_create_time() = ephemera::ToProto(token.created);
  *result.mutable_expire_time() = ephemera::ToProto(token.expires);
  if (token.used.has_value()) {
    *result.mutable_use_time() = ephemera::ToProto(*token.used);
  }
  return result;
}

v1::NewToken ToProto(const MintedToken& token, const IdentityContext& context) {
  v1::NewToken result;
  *result.mutable_token() = ToProto(token.record, context.clock.Now());
  result.set_secret(token.secret);
  if (context.ca != nullptr) {
    result.set_ca_fingerprint(context.ca->certificate().Fingerprint());
  }
  for (const std::string& address : context.tls_addresses()) {
    result.add_controllers(address);
  }
  return result;
}

}  // namespace ephemera::controller
