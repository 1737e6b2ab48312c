#ifndef EPHEMERA_TESTS_CONTROLLER_STORE_IDENTITY_STORE_FIXTURE_H_
#define EPHEMERA_TESTS_CONTROLLER_STORE_IDENTITY_STORE_FIXTURE_H_

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/identity_store.h"
#include "ephemera/v1/audit_service.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {

inline const Identity kWeb1 = {.kind = Identity::Kind::kAgent, .name = "web1"};
inline const Identity kAnn = {.kind = Identity::Kind::kUser, .name = "ann"};

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

class IdentityStoreTest : public testing::Test {
 protected:
  explicit IdentityStoreTest(const SqliteStore::Options& options = {})
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
  absl::StatusOr<int> Withdraw(const std::string& name,
                               IdentityStore::Withdrawal withdrawal) {
    Answer<absl::StatusOr<int>> answer;
    return answer.Await(identities().WithdrawAgent(
        name, withdrawal, Event("agent.withdraw", "agents/" + name),
        answer.Done()));
  }
  absl::StatusOr<IdentityStore::Redemption> Redeem(const std::string& id,
                                                   const std::string& key,
                                                   const std::string& serial) {
    return RedeemWith(id, key,
                      [this, serial](const Identity& identity)
                          -> absl::StatusOr<CertificateRecord> {
                        return Certificate(serial, identity);
                      });
  }
  absl::StatusOr<IdentityStore::Redemption> RedeemWith(
      const std::string& id, const std::string& key,
      IdentityStore::Issue issue) {
    Answer<absl::StatusOr<IdentityStore::Redemption>> answer;
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

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_STORE_IDENTITY_STORE_FIXTURE_H_
