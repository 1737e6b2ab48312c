#include "controller/store/sqlite_identity_store.h"

#include <future>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ephemera/v1/audit_service.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"
#include "tests/support/wait_until.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Withdrawal = IdentityStore::Withdrawal;

const Identity kWeb1 = {.kind = Identity::Kind::kAgent, .name = "web1"};
const Identity kAnn = {.kind = Identity::Kind::kUser, .name = "ann"};

// What one write answers, as a future.
template <typename Result>
class Answer {
 public:
  std::function<void(Result)> Done() {
    return [promise = promise_](const Result& result) {
      promise->set_value(result);
    };
  }
  // `queued` is what the call itself returned.
  Result Await(absl::Status queued) {
    if (!queued.ok()) return queued;
    return promise_->get_future().get();
  }

 private:
  std::shared_ptr<std::promise<Result>> promise_ =
      std::make_shared<std::promise<Result>>();
};

class SqliteIdentityStoreTest : public testing::Test {
 protected:
  explicit SqliteIdentityStoreTest(const SqliteStore::Options& options = {})
      : store_(options) {}

  absl::Time Now() { return store_.clock().Now(); }
  IdentityStore& identities() { return store_->identities(); }

  TokenRecord Token(const std::string& id, const Identity& identity) {
    TokenRecord token;
    token.id = id;
    token.hash = "hash-" + id;
    token.identity = identity;
    token.creator = "local";
    token.created = Now();
    token.expires = Now() + absl::Minutes(15);
    return token;
  }
  CertificateRecord Certificate(const std::string& serial,
                                const Identity& identity) {
    return {.serial = serial,
            .identity = identity,
            .not_before = Now() - absl::Minutes(10),
            .not_after = Now() + absl::Hours(24 * 30),
            .revoked = false};
  }
  UserRecord User(const std::string& name, v1::Role role) {
    return {.name = name, .role = role, .disabled = false, .created = Now()};
  }
  static AuditDraft Event(const std::string& action,
                          const std::string& object = "") {
    return {.actor = "users/root",
            .source = "unix",
            .action = action,
            .object = object};
  }

  absl::Status CreateToken(const TokenRecord& token) {
    Answer<absl::Status> answer;
    return answer.Await(identities().CreateToken(
        token, Event("token.create", token.identity.ResourceName()),
        answer.Done()));
  }
  absl::Status CreateUser(const UserRecord& user, const TokenRecord& token) {
    Answer<absl::Status> answer;
    return answer.Await(identities().CreateUser(
        user, token, Event("user.create", "users/" + user.name),
        answer.Done()));
  }
  absl::Status CreateAnn() {
    return CreateUser(User("ann", v1::ROLE_VIEWER), Token("t-ann", kAnn));
  }
  absl::StatusOr<UserRecord> UpdateUser(
      const std::string& name, const IdentityStore::UserChange& change) {
    Answer<absl::StatusOr<UserRecord>> answer;
    return answer.Await(identities().UpdateUser(
        name, change, Event("user.update", "users/" + name), answer.Done()));
  }
  absl::StatusOr<TokenRecord> RevokeToken(const std::string& id) {
    Answer<absl::StatusOr<TokenRecord>> answer;
    return answer.Await(identities().RevokeToken(
        id, Event("token.revoke", "tokens/" + id), answer.Done()));
  }
  absl::StatusOr<int> Withdraw(const std::string& name, Withdrawal withdrawal) {
    Answer<absl::StatusOr<int>> answer;
    return answer.Await(identities().WithdrawAgent(
        name, withdrawal, Event("agent.withdraw", "agents/" + name),
        answer.Done()));
  }
  absl::StatusOr<CertificateRecord> Redeem(const std::string& id,
                                           const std::string& key,
                                           const std::string& serial) {
    return RedeemWith(id, key,
                      [this, serial](const Identity& identity)
                          -> absl::StatusOr<CertificateRecord> {
                        return Certificate(serial, identity);
                      });
  }
  absl::StatusOr<CertificateRecord> RedeemWith(const std::string& id,
                                               const std::string& key,
                                               IdentityStore::Issue issue) {
    Answer<absl::StatusOr<CertificateRecord>> answer;
    return answer.Await(identities().RedeemToken(
        "hash-" + id, key, Now(), std::move(issue), Event(""), answer.Done()));
  }
  absl::Status Renew(const CertificateRecord& certificate,
                     const std::string& old_serial) {
    Answer<absl::Status> answer;
    return answer.Await(identities().AddCertificate(
        certificate, old_serial, Event("agent.renew-certificate"),
        answer.Done()));
  }

  // A token for web1, redeemed.
  void EnrolWeb1(const std::string& serial = "A1") {
    ASSERT_TRUE(CreateToken(Token("t-" + serial, kWeb1)).ok());
    ASSERT_TRUE(Redeem("t-" + serial, "key", serial).ok());
  }

  // Holds the writer thread after a commit, so that what is written until
  // Release() becomes one transaction.
  void Hold() {
    std::promise<void> held;
    ASSERT_TRUE(store_->audit()
                    .AppendEvent(Event("hold"),
                                 [this, &held](const absl::Status&) {
                                   held.set_value();
                                   release_.get_future().wait();
                                 })
                    .ok());
    held.get_future().wait();
  }
  void Release() { release_.set_value(); }

  // The events' texts, oldest first.
  std::vector<std::string> EventTexts() {
    std::vector<std::string> texts;
    const auto entries = store_->audit().ReadEntries(0, 1000);
    EXPECT_TRUE(entries.ok()) << entries.status();
    for (const AuditEntry& entry : *entries) texts.push_back(entry.text);
    return texts;
  }
  v1::AuditEvent NewestEvent() {
    v1::AuditEvent event;
    const std::vector<std::string> texts = EventTexts();
    EXPECT_FALSE(texts.empty());
    if (texts.empty()) return event;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(texts.back(), &event).ok());
    return event;
  }

  TestStore store_;
  std::promise<void> release_;
};

TEST_F(SqliteIdentityStoreTest, TellsATokenFromTheCommitOn) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  const std::vector<TokenRecord> tokens = identities().ListTokens();
  ASSERT_EQ(tokens.size(), 1U);
  EXPECT_EQ(tokens[0].id, "t1");
  EXPECT_EQ(tokens[0].hash, "hash-t1");
  EXPECT_EQ(tokens[0].identity, kWeb1);
  EXPECT_EQ(tokens[0].labels, token.labels);
  EXPECT_EQ(tokens[0].creator, "local");
  EXPECT_EQ(tokens[0].expires, token.expires);
  EXPECT_FALSE(tokens[0].used.has_value());

  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.actor(), "users/root");
  EXPECT_EQ(event.action(), "token.create");
  EXPECT_EQ(event.object(), "agents/web1");
  EXPECT_EQ(event.outcome(), v1::AuditEvent::OUTCOME_OK);
  EXPECT_EQ(event.after().at("token"), "t1");
  EXPECT_EQ(event.after().at("expires"), "2027-01-15T08:15:00Z");
  EXPECT_EQ(event.after().at("label.rack"), "r7");
}

TEST_F(SqliteIdentityStoreTest, ListsTheNewestTokenFirst) {
  ASSERT_TRUE(CreateToken(Token("z-old", kWeb1)).ok());
  store_.clock().Advance(absl::Seconds(1));
  ASSERT_TRUE(CreateToken(Token("a-new", kWeb1)).ok());
  std::vector<std::string> ids;
  for (const TokenRecord& token : identities().ListTokens()) {
    ids.push_back(token.id);
  }
  EXPECT_THAT(ids, ElementsAre("a-new", "z-old"));
}

TEST_F(SqliteIdentityStoreTest, ARedeemedTokenIsACertificateAndLabels) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  const auto certificate = Redeem("t1", "key", "A1");
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_EQ(certificate->serial, "A1");
  EXPECT_EQ(certificate->identity, kWeb1);

  const auto found = identities().FindCertificate("A1");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->identity, kWeb1);
  EXPECT_FALSE(found->revoked);
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, Now()), found->not_after);
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
  EXPECT_EQ(identities().ListTokens()[0].used, Now());
  EXPECT_EQ(identities().ListTokens()[0].key_hash, "key");

  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.action(), "agent.enrol");
  EXPECT_EQ(event.object(), "agents/web1");
  EXPECT_THAT(event.after(), UnorderedElementsAre(
                                 Pair("token", "t1"), Pair("certificate", "A1"),
                                 Pair("expires", "2027-02-14T08:00:00Z")));
}

TEST_F(SqliteIdentityStoreTest, AUserLogsInWithATokenAndHasNoStanding) {
  ASSERT_TRUE(CreateAnn().ok());
  ASSERT_TRUE(Redeem("t-ann", "key", "B1").ok());
  EXPECT_EQ(identities().FindCertificate("B1")->identity, kAnn);
  EXPECT_FALSE(identities().FindAgentStanding("ann").has_value());
  EXPECT_EQ(NewestEvent().action(), "user.login");
  EXPECT_EQ(NewestEvent().object(), "users/ann");
}

TEST_F(SqliteIdentityStoreTest, TheFirstKeyMayUseATokenAgainAndNoOther) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  ASSERT_TRUE(Redeem("t1", "key", "A1").ok());
  const absl::Time used = Now();
  store_.clock().Advance(absl::Minutes(1));
  ASSERT_TRUE(Redeem("t1", "key", "A2").ok());
  EXPECT_EQ(identities().ListTokens()[0].used, used);
  const auto other = Redeem("t1", "other-key", "A3");
  EXPECT_TRUE(absl::IsPermissionDenied(other.status())) << other.status();
  EXPECT_TRUE(identities().FindCertificate("A2").has_value());
  EXPECT_FALSE(identities().FindCertificate("A3").has_value());
}

TEST_F(SqliteIdentityStoreTest, RefusesTokensThatAreNoLongerGood) {
  EXPECT_TRUE(
      absl::IsPermissionDenied(Redeem("unknown", "key", "A1").status()));
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  ASSERT_TRUE(CreateToken(Token("t2", kWeb1)).ok());
  ASSERT_TRUE(RevokeToken("t1").ok());
  EXPECT_EQ(Redeem("t1", "key", "A1").status(),
            absl::PermissionDeniedError("the token was revoked"));
  // Good for 15 minutes, the last moment not included.
  store_.clock().Advance(absl::Minutes(15) - absl::Microseconds(1));
  ASSERT_TRUE(Redeem("t2", "key", "A2").ok());
  store_.clock().Advance(absl::Microseconds(1));
  EXPECT_EQ(Redeem("t2", "key", "A3").status(),
            absl::PermissionDeniedError("the token has expired"));
  EXPECT_FALSE(identities().FindCertificate("A1").has_value());
  EXPECT_FALSE(identities().FindCertificate("A3").has_value());
}

TEST_F(SqliteIdentityStoreTest, RefusesTheTokenOfADisabledUser) {
  ASSERT_TRUE(CreateAnn().ok());
  ASSERT_TRUE(UpdateUser("ann", {.role = std::nullopt, .disabled = true}).ok());
  const absl::Status login = Redeem("t-ann", "key", "B1").status();
  EXPECT_TRUE(absl::IsPermissionDenied(login)) << login;
  EXPECT_THAT(std::string(login.message()), HasSubstr("disabled"));
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateToken(Token("t2", kAnn))));
  ASSERT_TRUE(
      UpdateUser("ann", {.role = std::nullopt, .disabled = false}).ok());
  EXPECT_TRUE(Redeem("t-ann", "key", "B1").ok());
}

TEST_F(SqliteIdentityStoreTest, MakesNoTokenForAUserWhoDoesNotExist) {
  EXPECT_TRUE(absl::IsNotFound(CreateToken(Token("t1", kAnn))));
  EXPECT_THAT(identities().ListTokens(), IsEmpty());
}

TEST_F(SqliteIdentityStoreTest, AFailedIssueChangesNothing) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  const size_t events = EventTexts().size();
  const auto refused = RedeemWith("t1", "key", [](const Identity& identity) {
    EXPECT_EQ(identity, kWeb1);
    return absl::StatusOr<CertificateRecord>(
        absl::InvalidArgumentError("asks for another name"));
  });
  EXPECT_EQ(refused.status(),
            absl::InvalidArgumentError("asks for another name"));
  EXPECT_EQ(EventTexts().size(), events);
  EXPECT_FALSE(identities().ListTokens()[0].used.has_value());
  // It is bound to no key yet.
  EXPECT_TRUE(Redeem("t1", "other-key", "A1").ok());
}

TEST_F(SqliteIdentityStoreTest, RevokesATokenAndLeavesItsCertificate) {
  EnrolWeb1("A1");
  const auto revoked = RevokeToken("t-A1");
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_TRUE(revoked->revoked);
  EXPECT_TRUE(identities().ListTokens()[0].revoked);
  EXPECT_FALSE(identities().FindCertificate("A1")->revoked);
  EXPECT_EQ(NewestEvent().before().at("identity"), "agents/web1");
  EXPECT_TRUE(absl::IsPermissionDenied(Redeem("t-A1", "key", "A2").status()));
  EXPECT_TRUE(absl::IsNotFound(RevokeToken("nosuch").status()));
}

TEST_F(SqliteIdentityStoreTest, UsersAreListedByName) {
  ASSERT_TRUE(
      CreateUser(User("zoe", v1::ROLE_ADMIN),
                 Token("t-zoe", {.kind = Identity::Kind::kUser, .name = "zoe"}))
          .ok());
  ASSERT_TRUE(CreateAnn().ok());
  const std::vector<UserRecord> users = identities().ListUsers();
  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[0].name, "ann");
  EXPECT_EQ(users[0].role, v1::ROLE_VIEWER);
  EXPECT_EQ(users[0].created, Now());
  EXPECT_EQ(users[1].name, "zoe");
  EXPECT_EQ(NewestEvent().after().at("role"), "viewer");
  EXPECT_EQ(NewestEvent().after().at("token"), "t-ann");

  const absl::Status again =
      CreateUser(User("ann", v1::ROLE_ADMIN), Token("t2", kAnn));
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_VIEWER);
  EXPECT_EQ(identities().ListTokens().size(), 2U);
}

TEST_F(SqliteIdentityStoreTest, TheEventOfAUpdatedUserSaysWhatItWasBefore) {
  ASSERT_TRUE(CreateAnn().ok());
  const auto promoted =
      UpdateUser("ann", {.role = v1::ROLE_APPROVER, .disabled = std::nullopt});
  ASSERT_TRUE(promoted.ok()) << promoted.status();
  EXPECT_EQ(promoted->role, v1::ROLE_APPROVER);
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_APPROVER);
  v1::AuditEvent event = NewestEvent();
  EXPECT_THAT(event.before(), ElementsAre(Pair("role", "viewer")));
  EXPECT_THAT(event.after(), ElementsAre(Pair("role", "approver")));

  ASSERT_TRUE(UpdateUser("ann", {.role = std::nullopt, .disabled = true}).ok());
  EXPECT_TRUE(identities().FindUser("ann")->disabled);
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_APPROVER);
  event = NewestEvent();
  EXPECT_THAT(event.before(), ElementsAre(Pair("state", "active")));
  EXPECT_THAT(event.after(), ElementsAre(Pair("state", "disabled")));

  EXPECT_TRUE(absl::IsNotFound(
      UpdateUser("bob", {.role = v1::ROLE_ADMIN, .disabled = std::nullopt})
          .status()));
}

TEST_F(SqliteIdentityStoreTest, EvictWithdrawsAllAndKeepsTheLabels) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  ASSERT_TRUE(Redeem("t1", "key", "A1").ok());
  ASSERT_TRUE(Redeem("t1", "key", "A2").ok());
  ASSERT_TRUE(CreateToken(Token("pending", kWeb1)).ok());
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kEvict), 2);
  EXPECT_TRUE(identities().FindCertificate("A1")->revoked);
  EXPECT_TRUE(identities().FindCertificate("A2")->revoked);
  EXPECT_FALSE(identities().CertificateExpiry(kWeb1, Now()).has_value());
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
  EXPECT_FALSE(identities().FindAgentStanding("web1")->banned);
  EXPECT_EQ(NewestEvent().after().at("withdrawn_certificates"), "2");
  // Neither the one nor the other gets it back in.
  EXPECT_TRUE(absl::IsPermissionDenied(Redeem("t1", "key", "A3").status()));
  EXPECT_TRUE(
      absl::IsPermissionDenied(Redeem("pending", "key", "A3").status()));
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kEvict), 0);

  EnrolWeb1("A4");
  EXPECT_EQ(*identities().CertificateExpiry(kWeb1, Now()),
            Certificate("", kWeb1).not_after);
}

TEST_F(SqliteIdentityStoreTest, EvictsWhomeverHasLeftATrace) {
  EXPECT_TRUE(absl::IsNotFound(Withdraw("web1", Withdrawal::kEvict).status()));
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kEvict), 0);
  // One on the controller's own host has no certificate.
  store_.AddAgent("local-agent");
  EXPECT_EQ(*Withdraw("local-agent", Withdrawal::kEvict), 0);
}

TEST_F(SqliteIdentityStoreTest, WithdrawsFromNobodyElse) {
  EnrolWeb1("A1");
  const Identity web2 = {.kind = Identity::Kind::kAgent, .name = "web2"};
  ASSERT_TRUE(CreateToken(Token("t2", web2)).ok());
  ASSERT_TRUE(Redeem("t2", "key", "A2").ok());
  const Identity person = {.kind = Identity::Kind::kUser, .name = "web1"};
  ASSERT_TRUE(
      CreateUser(User("web1", v1::ROLE_VIEWER), Token("t3", person)).ok());
  ASSERT_TRUE(Redeem("t3", "key", "B1").ok());
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 1);
  EXPECT_FALSE(identities().FindCertificate("A2")->revoked);
  EXPECT_FALSE(identities().FindCertificate("B1")->revoked);
}

TEST_F(SqliteIdentityStoreTest, ABanLastsUntilItIsTakenBack) {
  EnrolWeb1("A1");
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 1);
  EXPECT_TRUE(identities().FindAgentStanding("web1")->banned);
  EXPECT_THAT(identities().ListBannedAgents(), ElementsAre("web1"));
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateToken(Token("t2", kWeb1))));
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 0);

  EXPECT_EQ(*Withdraw("web1", Withdrawal::kUnban), 0);
  EXPECT_FALSE(identities().FindAgentStanding("web1")->banned);
  EXPECT_THAT(identities().ListBannedAgents(), IsEmpty());
  // Needs a new token: what was withdrawn stays so.
  EXPECT_TRUE(identities().FindCertificate("A1")->revoked);
  EXPECT_TRUE(absl::IsPermissionDenied(Redeem("t-A1", "key", "A2").status()));
  EnrolWeb1("A3");
  EXPECT_TRUE(absl::IsNotFound(Withdraw("web1", Withdrawal::kUnban).status()));
}

TEST_F(SqliteIdentityStoreTest, ABanMayComeBeforeTheAgent) {
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateToken(Token("t1", kWeb1))));
}

TEST_F(SqliteIdentityStoreTest, ARenewalAddsACertificate) {
  EnrolWeb1("A1");
  store_.clock().Advance(absl::Hours(24 * 15));
  const CertificateRecord renewed = Certificate("A2", kWeb1);
  ASSERT_TRUE(Renew(renewed, "A1").ok());
  EXPECT_FALSE(identities().FindCertificate("A1")->revoked);
  EXPECT_EQ(identities().FindCertificate("A2")->not_after, renewed.not_after);
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, Now()), renewed.not_after);
  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.before().at("certificate"), "A1");
  EXPECT_EQ(event.after().at("certificate"), "A2");
}

TEST_F(SqliteIdentityStoreTest, RefusesARenewalThatComesAfterAWithdrawal) {
  EnrolWeb1("A1");
  ASSERT_TRUE(Withdraw("web1", Withdrawal::kEvict).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Renew(Certificate("A2", kWeb1), "A1")));
  EnrolWeb1("A3");
  ASSERT_TRUE(Withdraw("web1", Withdrawal::kBan).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Renew(Certificate("A4", kWeb1), "A3")));
  EXPECT_TRUE(
      absl::IsPermissionDenied(Renew(Certificate("A4", kWeb1), "unknown")));
  EXPECT_FALSE(identities().FindCertificate("A2").has_value());
  EXPECT_FALSE(identities().FindCertificate("A4").has_value());
}

TEST_F(SqliteIdentityStoreTest, TheExpiryIsOfTheCertificateThatLastsLongest) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  const absl::Time start = Now();
  int serial = 0;
  for (const int hours : {2, 5, 3}) {
    ASSERT_TRUE(
        RedeemWith(
            "t1", "key",
            [&](const Identity& identity) -> absl::StatusOr<CertificateRecord> {
              CertificateRecord record =
                  Certificate(absl::StrCat("A", ++serial), identity);
              record.not_after = start + absl::Hours(hours);
              return record;
            })
            .ok());
  }
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, start),
            start + absl::Hours(5));
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, start + absl::Hours(5)),
            std::nullopt);
  EXPECT_EQ(identities().CertificateExpiry(kAnn, start), std::nullopt);
}

TEST_F(SqliteIdentityStoreTest, KnowsEverythingAgainAfterARestart) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}, {"role", "front"}};
  ASSERT_TRUE(CreateToken(token).ok());
  ASSERT_TRUE(Redeem("t1", "key", "A1").ok());
  ASSERT_TRUE(CreateAnn().ok());
  ASSERT_TRUE(
      UpdateUser("ann", {.role = v1::ROLE_ADMIN, .disabled = true}).ok());
  ASSERT_TRUE(RevokeToken("t-ann").ok());
  ASSERT_TRUE(Withdraw("web1", Withdrawal::kBan).ok());
  const absl::Time used = Now();

  store_.Reopen();
  const auto certificate = identities().FindCertificate("A1");
  ASSERT_TRUE(certificate.has_value());
  EXPECT_EQ(certificate->identity, kWeb1);
  EXPECT_TRUE(certificate->revoked);
  EXPECT_EQ(certificate->not_before, Now() - absl::Minutes(10));
  EXPECT_EQ(certificate->not_after, Now() + absl::Hours(24 * 30));
  const std::vector<TokenRecord> tokens = identities().ListTokens();
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokens[0].id, "t-ann");
  EXPECT_TRUE(tokens[0].revoked);
  EXPECT_FALSE(tokens[0].used.has_value());
  EXPECT_EQ(tokens[1].labels, token.labels);
  EXPECT_EQ(tokens[1].hash, "hash-t1");
  EXPECT_EQ(tokens[1].key_hash, "key");
  EXPECT_EQ(tokens[1].used, used);
  const auto ann = identities().FindUser("ann");
  ASSERT_TRUE(ann.has_value());
  EXPECT_EQ(ann->role, v1::ROLE_ADMIN);
  EXPECT_TRUE(ann->disabled);
  EXPECT_EQ(ann->created, used);
  EXPECT_THAT(identities().ListBannedAgents(), ElementsAre("web1"));
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
}

TEST_F(SqliteIdentityStoreTest, AWriteSeesThoseBeforeItInItsTransaction) {
  Hold();
  Answer<absl::Status> first;
  Answer<absl::Status> second;
  Answer<absl::StatusOr<CertificateRecord>> login;
  const absl::Status first_queued =
      identities().CreateUser(User("ann", v1::ROLE_VIEWER), Token("t1", kAnn),
                              Event("user.create"), first.Done());
  const absl::Status second_queued =
      identities().CreateUser(User("ann", v1::ROLE_ADMIN), Token("t2", kAnn),
                              Event("user.create"), second.Done());
  const absl::Status login_queued = identities().RedeemToken(
      "hash-t1", "key", Now(),
      [this](const Identity& identity) -> absl::StatusOr<CertificateRecord> {
        return Certificate("B1", identity);
      },
      Event(""), login.Done());
  EXPECT_FALSE(identities().FindUser("ann").has_value());
  Release();
  EXPECT_TRUE(first.Await(first_queued).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(second.Await(second_queued)));
  EXPECT_TRUE(login.Await(login_queued).ok());
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_VIEWER);
  // Of the hold, the user and the login.
  EXPECT_EQ(EventTexts().size(), 3U);
}

TEST_F(SqliteIdentityStoreTest, ATransactionThatIsTriedAgainCountsOnce) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  Hold();
  Answer<absl::Status> created;
  Answer<absl::StatusOr<CertificateRecord>> redeemed;
  const absl::Status create_queued = identities().CreateToken(
      Token("t2", kWeb1), Event("token.create"), created.Done());
  // The first time, as where the disk fails.
  int issues = 0;
  const absl::Status redeem_queued = identities().RedeemToken(
      "hash-t1", "key", Now(),
      [this,
       &issues](const Identity& identity) -> absl::StatusOr<CertificateRecord> {
        if (++issues == 1) return absl::UnavailableError("disk I/O error");
        return Certificate(absl::StrCat("A", issues), identity);
      },
      Event(""), redeemed.Done());
  Release();
  EXPECT_TRUE(created.Await(create_queued).ok());
  EXPECT_EQ(redeemed.Await(redeem_queued)->serial, "A2");
  EXPECT_EQ(issues, 2);
  EXPECT_FALSE(identities().FindCertificate("A1").has_value());
  EXPECT_EQ(identities().ListTokens().size(), 2U);
  // Two tokens, the hold, and the enrolment.
  EXPECT_EQ(EventTexts().size(), 4U);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM certificates"), 1);
}

TEST_F(SqliteIdentityStoreTest, AFailedWriteLeavesNoEvent) {
  ASSERT_TRUE(CreateAnn().ok());
  const size_t events = EventTexts().size();
  const auto newest = store_->audit().newest_checkpoint();
  EXPECT_FALSE(CreateAnn().ok());
  EXPECT_FALSE(RevokeToken("nosuch").ok());
  EXPECT_FALSE(Redeem("nosuch", "key", "A1").ok());
  EXPECT_FALSE(Withdraw("nosuch", Withdrawal::kEvict).ok());
  EXPECT_EQ(EventTexts().size(), events);
  EXPECT_EQ(store_->audit().newest_checkpoint().tree_size(),
            newest.tree_size());
}

TEST_F(SqliteIdentityStoreTest, AWriteWhoseEventFailsChangesNothing) {
  EnrolWeb1("A1");
  const size_t events = EventTexts().size();
  {
    auto database = SqliteDatabase::Open(store_->database_path(),
                                         SqliteDatabase::Access::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    ASSERT_TRUE((*database)
                    ->Execute("CREATE TRIGGER no_events BEFORE INSERT ON "
                              "audit_events BEGIN SELECT RAISE(ABORT, 'full "
                              "of events'); END")
                    .ok());
  }
  EXPECT_THAT(std::string(CreateAnn().message()), HasSubstr("full of events"));
  EXPECT_FALSE(CreateToken(Token("t2", kWeb1)).ok());
  EXPECT_FALSE(Redeem("t-A1", "key", "A2").ok());
  EXPECT_FALSE(Withdraw("web1", Withdrawal::kBan).ok());
  EXPECT_FALSE(Renew(Certificate("A2", kWeb1), "A1").ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(identities().FindUser("ann").has_value());
    EXPECT_EQ(identities().ListTokens().size(), 1U);
    EXPECT_FALSE(identities().FindCertificate("A1")->revoked);
    EXPECT_FALSE(identities().FindCertificate("A2").has_value());
    EXPECT_THAT(identities().ListBannedAgents(), IsEmpty());
    EXPECT_EQ(EventTexts().size(), events);
    // The disk says the same.
    store_.Reopen();
  }
}

TEST_F(SqliteIdentityStoreTest, NoEventHoldsATokensHashOrAKey) {
  EnrolWeb1("A1");
  ASSERT_TRUE(RevokeToken("t-A1").ok());
  ASSERT_TRUE(CreateAnn().ok());
  for (const std::string& text : EventTexts()) {
    EXPECT_FALSE(absl::StrContains(text, "hash-")) << text;
    EXPECT_FALSE(absl::StrContains(text, "key")) << text;
  }
}

TEST_F(SqliteIdentityStoreTest, TakesNothingOnceItIsClosed) {
  store_->Close();
  EXPECT_TRUE(absl::IsCancelled(CreateToken(Token("t1", kWeb1))));
}

// A store that looks for expired records all the time.
class IdentityUpkeepTest : public SqliteIdentityStoreTest {
 protected:
  IdentityUpkeepTest()
      : SqliteIdentityStoreTest(
            {.data_dir = "",
             .queue = {.upkeep_interval = absl::Milliseconds(1)}}) {}
};

TEST_F(IdentityUpkeepTest, ForgetsWhatExpiredMoreThanADayAgo) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  CertificateRecord certificate = Certificate("A1", kWeb1);
  certificate.not_after = token.expires;
  ASSERT_TRUE(RedeemWith("t1", "key", [&](const Identity&) {
                return absl::StatusOr<CertificateRecord>(certificate);
              }).ok());
  store_.clock().Advance(absl::Minutes(15));
  TokenRecord later = Token("t2", kWeb1);
  later.expires = token.expires + absl::Seconds(1);
  ASSERT_TRUE(CreateToken(later).ok());
  CertificateRecord renewed = Certificate("A2", kWeb1);
  renewed.not_after = later.expires;
  ASSERT_TRUE(Renew(renewed, "A1").ok());

  store_.clock().Advance(absl::Hours(24) + absl::Seconds(1));
  EXPECT_TRUE(WaitUntil([&] { return identities().ListTokens().size() < 2; },
                        absl::Seconds(20)));
  EXPECT_EQ(identities().ListTokens()[0].id, "t2");
  EXPECT_FALSE(identities().FindCertificate("A1").has_value());
  EXPECT_TRUE(identities().FindCertificate("A2").has_value());
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, absl::UnixEpoch()),
            renewed.not_after);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM tokens"), 1);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM token_labels"), 0);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM certificates"), 1);
  // What was decided stays.
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
}

TEST_F(IdentityUpkeepTest, ForgetsByTheWallClockWhereFleetTimeIsAhead) {
  store_.SetFleetAhead(absl::Hours(24 * 365));
  store_.Reopen();
  TokenRecord old = Token("old", kWeb1);
  old.expires = Now() - absl::Hours(25);
  ASSERT_TRUE(CreateToken(old).ok());
  EnrolWeb1("A1");
  EXPECT_TRUE(WaitUntil([&] { return identities().ListTokens().size() < 2; },
                        absl::Seconds(20)));
  EXPECT_EQ(identities().ListTokens()[0].id, "t-A1");
  EXPECT_TRUE(identities().FindCertificate("A1").has_value());
}

TEST_F(IdentityUpkeepTest, ForgetsManyPieceByPiece) {
  constexpr int kTokens = 1200;
  std::vector<Answer<absl::Status>> answers(kTokens);
  for (int i = 0; i < kTokens; ++i) {
    ASSERT_TRUE(identities()
                    .CreateToken(Token(absl::StrCat("t", i), kWeb1),
                                 Event("token.create"), answers[i].Done())
                    .ok());
  }
  for (Answer<absl::Status>& answer : answers) {
    ASSERT_TRUE(answer.Await(absl::OkStatus()).ok());
  }
  EXPECT_EQ(identities().ListTokens().size(), size_t{kTokens});
  store_.clock().Advance(absl::Hours(25));
  EXPECT_TRUE(WaitUntil([&] { return identities().ListTokens().empty(); },
                        absl::Seconds(20)));
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM tokens"), 0);
}

}  // namespace
}  // namespace ephemera::controller
