#include "controller/store/sqlite_audit_store.h"

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/merkle_tree.h"
#include "common/proto_time.h"
#include "ephemera/v1/audit_service.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SqliteAuditStoreTest : public testing::Test {
 protected:
  AuditStore& audit() { return store_->audit(); }
  absl::Status Append(AuditDraft event) {
    std::promise<absl::Status> answer;
    absl::Status status = audit().AppendEvent(
        std::move(event),
        [&](const absl::Status& done) { answer.set_value(done); });
    if (!status.ok()) return status;
    return answer.get_future().get();
  }
  void MustAppend(const std::string& actor, const std::string& object = "") {
    ASSERT_TRUE(Append({.actor = actor,
                        .source = "unix",
                        .action = "act",
                        .object = object})
                    .ok());
  }
  static v1::AuditEvent EventOf(const AuditEntry& entry) {
    v1::AuditEvent event;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(entry.text, &event).ok());
    return event;
  }
  // The indices of the events that the filter lets through.
  std::vector<uint64_t> Listed(const AuditFilter& filter, int limit = 100) {
    const auto entries =
        audit().ListEvents(filter, limit, [] { return false; });
    EXPECT_TRUE(entries.ok()) << entries.status();
    std::vector<uint64_t> indices;
    for (const AuditEntry& entry : *entries) {
      indices.push_back(EventOf(entry).index());
    }
    return indices;
  }

  TestStore store_;
};

TEST_F(SqliteAuditStoreTest, StoresEveryFieldOfAnEvent) {
  store_.clock().SetNow(kEpoch);
  ASSERT_TRUE(Append({.actor = "users/ann",
                      .source = "192.0.2.1, certificate A1",
                      .request_id = "r-1",
                      .action = "user.update",
                      .object = "users/bob",
                      .before = {{"role", "viewer"}},
                      .after = {{"role", "admin"}},
                      .outcome = v1::AuditEvent::OUTCOME_REFUSED,
                      .message = "no \"good\"\nat all"})
                  .ok());
  const auto entries = audit().ReadEntries(0, 10);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 1U);
  const v1::AuditEvent event = EventOf(entries->front());
  EXPECT_EQ(event.index(), 0U);
  EXPECT_EQ(*FromProto(event.time()), kEpoch);
  EXPECT_EQ(event.actor(), "users/ann");
  EXPECT_EQ(event.source(), "192.0.2.1, certificate A1");
  EXPECT_EQ(event.request_id(), "r-1");
  EXPECT_EQ(event.action(), "user.update");
  EXPECT_EQ(event.object(), "users/bob");
  EXPECT_EQ(event.before().at("role"), "viewer");
  EXPECT_EQ(event.after().at("role"), "admin");
  EXPECT_EQ(event.outcome(), v1::AuditEvent::OUTCOME_REFUSED);
  EXPECT_EQ(event.message(), "no \"good\"\nat all");
  // One line of an export.
  EXPECT_EQ(entries->front().text.find('\n'), std::string::npos);
}

TEST_F(SqliteAuditStoreTest, ListsTheNewestFirstWhatTheFilterLetsThrough) {
  store_.clock().SetNow(kEpoch);
  MustAppend("users/ann", "agents/web1");
  MustAppend("users/bob", "agents/web1");
  store_.clock().Advance(absl::Hours(1));
  MustAppend("users/ann", "agents/web2");
  MustAppend("users/ann", "agents/web1");
  EXPECT_THAT(Listed({}), ElementsAre(3, 2, 1, 0));
  EXPECT_THAT(Listed({.actor = "users/ann"}), ElementsAre(3, 2, 0));
  EXPECT_THAT(Listed({.object = "agents/web1"}), ElementsAre(3, 1, 0));
  EXPECT_THAT(Listed({.actor = "users/ann", .object = "agents/web1"}),
              ElementsAre(3, 0));
  EXPECT_THAT(Listed({.since = kEpoch + absl::Hours(1)}), ElementsAre(3, 2));
  EXPECT_THAT(
      Listed({.since = kEpoch + absl::Hours(1) + absl::Microseconds(1)}),
      IsEmpty());
  EXPECT_THAT(Listed({.before_index = 2}), ElementsAre(1, 0));
  EXPECT_THAT(Listed({}, 3), ElementsAre(3, 2, 1));
  // A name is compared whole and as it is.
  EXPECT_THAT(Listed({.actor = "users/an"}), IsEmpty());
  EXPECT_THAT(Listed({.actor = "users/ann' OR '1'='1"}), IsEmpty());
}

TEST_F(SqliteAuditStoreTest, ReadsInOrderFromAnIndexOn) {
  for (int i = 0; i < 5; ++i) MustAppend("users/ann");
  const auto entries = audit().ReadEntries(2, 2);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ(EventOf((*entries)[0]).index(), 2U);
  EXPECT_EQ((*entries)[1].checkpoint.tree_size(), 4U);
  EXPECT_THAT(*audit().ReadEntries(5, 10), IsEmpty());
  EXPECT_THAT(*audit().ReadEntries(UINT64_MAX, 10), IsEmpty());
}

TEST_F(SqliteAuditStoreTest, EveryProofHoldsWhatItPromises) {
  constexpr uint64_t kEntries = 9;
  for (uint64_t i = 0; i < kEntries; ++i) MustAppend("users/ann");
  const std::vector<AuditEntry> entries = *audit().ReadEntries(0, kEntries);
  for (uint64_t size = 1; size <= kEntries; ++size) {
    const v1::Checkpoint& then = entries[size - 1].checkpoint;
    EXPECT_TRUE(VerifyCheckpoint(then, audit().audit_public_key()).ok());
    for (uint64_t index = 0; index < size; ++index) {
      EXPECT_TRUE(merkle::VerifyInclusion(
          index, size, merkle::LeafHash(entries[index].text),
          *audit().ProveInclusion(index, size), then.root_hash()));
      EXPECT_TRUE(CheckContinuation(entries[index].checkpoint, then,
                                    *audit().ProveConsistency(index + 1, size),
                                    audit().audit_public_key())
                      .ok());
    }
  }
  EXPECT_EQ(audit().newest_checkpoint().SerializeAsString(),
            entries.back().checkpoint.SerializeAsString());
}

TEST_F(SqliteAuditStoreTest, ProvesNothingBeyondTheLog) {
  MustAppend("users/ann");
  MustAppend("users/ann");
  for (const absl::Status& status :
       {audit().ProveInclusion(2, 2).status(),
        audit().ProveInclusion(0, 3).status(),
        audit().ProveInclusion(UINT64_MAX, UINT64_MAX).status(),
        audit().ProveConsistency(0, 3).status(),
        audit().ProveConsistency(2, 1).status(),
        audit().ProveConsistency(UINT64_MAX, 2).status()}) {
    EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
  }
  EXPECT_THAT(*audit().ProveConsistency(0, 2), IsEmpty());
}

TEST_F(SqliteAuditStoreTest, EventsOfManyThreadsAreOneSoundLog) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) MustAppend(absl::StrCat("users/u", t));
    });
  }
  for (std::thread& thread : threads) thread.join();
  merkle::Accumulator leaves;
  const auto entries = audit().ReadEntries(0, 2 * kThreads * kEach);
  ASSERT_TRUE(entries.ok()) << entries.status();
  for (const AuditEntry& entry : *entries) {
    leaves.Add(entry.text);
    EXPECT_EQ(entry.checkpoint.root_hash(), leaves.Root());
  }
  EXPECT_EQ(leaves.size(), uint64_t{kThreads} * kEach);
}

TEST_F(SqliteAuditStoreTest, IsTheSameLogAfterARestart) {
  for (int i = 0; i < 3; ++i) MustAppend("users/ann");
  const v1::Checkpoint before = audit().newest_checkpoint();
  store_.Reopen();
  EXPECT_EQ(audit().newest_checkpoint().SerializeAsString(),
            before.SerializeAsString());
  MustAppend("users/ann");
  EXPECT_TRUE(CheckContinuation(before, audit().newest_checkpoint(),
                                *audit().ProveConsistency(3, 4),
                                audit().audit_public_key())
                  .ok());
}

TEST_F(SqliteAuditStoreTest, ATreeThatLacksANodeProvesNothing) {
  for (int i = 0; i < 4; ++i) MustAppend("users/ann");
  {
    auto database = SqliteDatabase::Open(store_->database_path(),
                                         SqliteDatabase::Access::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    ASSERT_TRUE((*database)
                    ->Execute("DELETE FROM audit_nodes WHERE level = 0 AND "
                              "position = 1")
                    .ok());
  }
  const absl::Status status = audit().ProveInclusion(0, 4).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

}  // namespace
}  // namespace ephemera::controller
