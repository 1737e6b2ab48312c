#include "controller/identity/token_service.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/enrolment_token.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/identity/identity_server.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class TokenServiceTest : public IdentityServiceTest {
 protected:
  using IdentityServiceTest::IdentityServiceTest;

  grpc::Status List(const v1::ListTokensRequest& request,
                    v1::ListTokensResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return tokens().ListTokens(&context, request, &response);
  }
  v1::Token OnlyToken() {
    v1::ListTokensResponse response;
    EXPECT_TRUE(List({}, response).ok());
    EXPECT_EQ(response.tokens_size(), 1);
    return response.tokens_size() == 1 ? response.tokens(0) : v1::Token();
  }
  grpc::Status Revoke(const std::string& name, v1::Token& token) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::RevokeTokenRequest request;
    request.set_name(name);
    return tokens().RevokeToken(&context, request, &token);
  }

  // The message with which the request is refused.
  std::string Refusal(const v1::CreateTokenRequest& request) {
    v1::NewToken token;
    const grpc::Status status = CreateToken(request, token);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << request.ShortDebugString();
    return status.error_message();
  }
  static v1::CreateTokenRequest ForWeb1() {
    v1::CreateTokenRequest request;
    request.set_identity("agents/web1");
    return request;
  }
};

TEST_F(TokenServiceTest, ShowsANewTokenWithAllThatItsUseTakes) {
  v1::CreateTokenRequest request = ForWeb1();
  (*request.mutable_labels())["rack"] = "r7";
  v1::NewToken made;
  const grpc::Status status = CreateToken(request, made);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(ParseEnrolmentToken(made.secret()).ok());
  EXPECT_EQ(made.ca_fingerprint(), ca_->certificate().Fingerprint());
  EXPECT_THAT(made.controllers(), ElementsAre("controller.example:7400"));
  EXPECT_THAT(made.token().name(), StartsWith("tokens/"));
  EXPECT_EQ(made.token().identity(), "agents/web1");
  EXPECT_EQ(made.token().labels().at("rack"), "r7");
  EXPECT_EQ(made.token().state(), v1::Token::STATE_PENDING);
  EXPECT_EQ(made.token().creator(), "local");
  EXPECT_EQ(*FromProto(made.token().expire_time()) -
                *FromProto(made.token().create_time()),
            absl::Minutes(15));
  EXPECT_FALSE(made.token().has_use_time());
  // Only its hash is kept.
  const std::vector<TokenRecord> stored = store_->identities().ListTokens();
  ASSERT_THAT(stored, SizeIs(1));
  EXPECT_EQ(stored[0].hash, HashEnrolmentToken(made.secret()));
  EXPECT_EQ("tokens/" + stored[0].id, made.token().name());
}

TEST_F(TokenServiceTest, TheEventSaysWhoMadeWhichTokenAndNotItsSecret) {
  const v1::NewToken made = MustCreateToken("agents/web1");
  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.actor(), "local");
  EXPECT_EQ(event.source(), "unix");
  EXPECT_EQ(event.request_id(), "r-17");
  EXPECT_EQ(event.action(), "token.create");
  EXPECT_EQ(event.object(), "agents/web1");
  EXPECT_EQ("tokens/" + event.after().at("token"), made.token().name());
  EXPECT_EQ(event.ShortDebugString().find(made.secret()), std::string::npos);
  EXPECT_EQ(event.ShortDebugString().find(HashEnrolmentToken(made.secret())),
            std::string::npos);
  EXPECT_THAT(refused_.stored(), IsEmpty());
}

TEST_F(TokenServiceTest, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(Refusal({}), StartsWith("identity: "));
  v1::CreateTokenRequest request;
  request.set_identity("hosts/web1");
  EXPECT_THAT(Refusal(request),
              AllOf(StartsWith("identity: "), HasSubstr("hosts/web1")));
  request = ForWeb1();
  (*request.mutable_labels())["a b"] = "x";
  EXPECT_THAT(Refusal(request),
              AllOf(StartsWith("labels.key: "), HasSubstr("a b")));
  request = ForWeb1();
  (*request.mutable_labels())["a"] = std::string(64, 'x');
  EXPECT_THAT(Refusal(request), StartsWith("labels.value: "));
  request = ForWeb1();
  for (int i = 0; i < 33; ++i) {
    (*request.mutable_labels())[absl::StrCat("l", i)] = "x";
  }
  EXPECT_THAT(Refusal(request), StartsWith("labels: "));
  request.set_identity("users/ann");
  EXPECT_EQ(Refusal(request), "labels: only agents have them");
}

TEST_F(TokenServiceTest, ATokenLastsAMinuteToAWeek) {
  v1::CreateTokenRequest request = ForWeb1();
  v1::NewToken made;
  for (const absl::Duration ttl : {absl::Minutes(1), absl::Hours(24 * 7)}) {
    *request.mutable_ttl() = ephemera::ToProto(ttl);
    ASSERT_TRUE(CreateToken(request, made).ok());
    EXPECT_EQ(*FromProto(made.token().expire_time()) -
                  *FromProto(made.token().create_time()),
              ttl);
  }
  *request.mutable_ttl() =
      ephemera::ToProto(absl::Minutes(1) - absl::Milliseconds(1));
  EXPECT_EQ(Refusal(request), "ttl: 59.999s is not 1m to 7d");
  *request.mutable_ttl() =
      ephemera::ToProto(absl::Hours(24 * 7) + absl::Seconds(1));
  EXPECT_EQ(Refusal(request), "ttl: 168h1s is not 1m to 7d");
  request.mutable_ttl()->set_seconds(INT64_MAX);
  EXPECT_THAT(Refusal(request), StartsWith("ttl: "));
}

TEST_F(TokenServiceTest, WhatIsRefusedIsNoted) {
  v1::CreateTokenRequest request;
  request.set_identity("users/bob");
  v1::NewToken made;
  const grpc::Status status = CreateToken(request, made);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  ASSERT_THAT(refused_.AwaitStored(1), SizeIs(1));
  const AuditDraft event = refused_.stored()[0];
  EXPECT_EQ(event.actor, "local");
  EXPECT_EQ(event.request_id, "r-17");
  EXPECT_EQ(event.action, "token.create");
  EXPECT_EQ(event.object, "users/bob");
  EXPECT_EQ(event.outcome, v1::AuditEvent::OUTCOME_REFUSED);
  EXPECT_EQ(event.message, status.error_message());
}

TEST_F(TokenServiceTest, ListsTheNewestFirstPageByPage) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    made.insert(made.begin(),
                MustCreateToken(absl::StrCat("agents/web", i)).token().name());
    clock().Advance(absl::Seconds(1));
  }
  v1::ListTokensRequest request;
  request.set_page_size(2);
  std::vector<std::string> listed;
  std::vector<int> sizes;
  do {
    v1::ListTokensResponse response;
    ASSERT_TRUE(List(request, response).ok());
    for (const v1::Token& token : response.tokens()) {
      listed.push_back(token.name());
    }
    sizes.push_back(response.tokens_size());
    request.set_page_token(response.next_page_token());
    // It is on no later page.
    MustCreateToken("agents/new");
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, made);
  EXPECT_THAT(sizes, ElementsAre(2, 2, 1));
}

TEST_F(TokenServiceTest, RefusesABadPage) {
  v1::ListTokensRequest request;
  v1::ListTokensResponse response;
  request.set_page_size(1001);
  EXPECT_EQ(List(request, response).error_message(),
            "page_size: 1001 is above 1000");
  request.set_page_size(0);
  request.set_page_token("nonsense");
  EXPECT_EQ(List(request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(TokenServiceTest, TheStateIsWhatBecameOfTheToken) {
  const std::string name = MustCreateToken("agents/web1").token().name();
  EXPECT_EQ(OnlyToken().state(), v1::Token::STATE_PENDING);
  clock().Advance(absl::Minutes(15));
  EXPECT_EQ(OnlyToken().state(), v1::Token::STATE_EXPIRED);
  v1::Token revoked;
  const grpc::Status status = Revoke(name, revoked);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(revoked.name(), name);
  EXPECT_EQ(revoked.state(), v1::Token::STATE_REVOKED);
  EXPECT_EQ(OnlyToken().state(), v1::Token::STATE_REVOKED);
  EXPECT_EQ(NewestEvent().action(), "token.revoke");
  EXPECT_EQ(NewestEvent().object(), name);
}

TEST_F(TokenServiceTest, AUsedTokenSaysSince) {
  const v1::NewToken made = MustCreateToken("agents/web1");
  clock().Advance(absl::Minutes(1));
  v1::EnrolResponse response;
  ASSERT_TRUE(
      Enrol(made.secret(),
            *MakeCertificateRequest(*PrivateKey::GenerateP256(), std::nullopt),
            response)
          .ok());
  EXPECT_EQ(OnlyToken().state(), v1::Token::STATE_USED);
  EXPECT_EQ(*FromProto(OnlyToken().use_time()), clock().Now());
}

TEST_F(TokenServiceTest, RevokesNothingThatIsNotThere) {
  v1::Token token;
  EXPECT_EQ(Revoke("tokens/nosuch", token).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(refused_.AwaitStored(1)[0].action, "token.revoke");
  for (const std::string name : {"", "tokens/", "nosuch", "tokens/a b",
                                 "tokens/00000000000000000000000000000000f"}) {
    const grpc::Status status = Revoke(name, token);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
    EXPECT_THAT(status.error_message(), StartsWith("name: "));
  }
}

TEST_F(TokenServiceTest, ARequestIdIsKeptShortAndInOneWord) {
  grpc::ClientContext context;
  SetDeadline(context);
  context.AddMetadata("ephemera-request-id", "a b" + std::string(100, 'x'));
  v1::CreateTokenResponse response;
  ASSERT_TRUE(tokens().CreateToken(&context, ForWeb1(), &response).ok());
  EXPECT_EQ(NewestEvent().request_id(), "a?b" + std::string(61, 'x'));
}

TEST_F(TokenServiceTest, NotesOfALongNameItsFirstWholeCharacters) {
  v1::CreateTokenRequest request;
  // The 100th byte is within a character.
  const std::string start(99, 'x');
  request.set_identity(absl::StrCat(start, "\u00e4", start));
  Refusal(request);
  EXPECT_EQ(refused_.AwaitStored(1)[0].object, start);
}

class TokenServiceWithoutCaTest : public TokenServiceTest {
 protected:
  TokenServiceWithoutCaTest() : TokenServiceTest(/*has_ca=*/false) {}
};

TEST_F(TokenServiceWithoutCaTest, SaysHowToGetACa) {
  v1::NewToken made;
  const grpc::Status status = CreateToken(ForWeb1(), made);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("ephemera-controller init"));
  EXPECT_THAT(store_->identities().ListTokens(), IsEmpty());
}

TEST_F(TokenServiceWithoutCaTest, SoDoesEnrolment) {
  v1::EnrolResponse response;
  EXPECT_EQ(
      Enrol(*NewEnrolmentToken(),
            *MakeCertificateRequest(*PrivateKey::GenerateP256(), std::nullopt),
            response)
          .error_code(),
      grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace ephemera::controller
