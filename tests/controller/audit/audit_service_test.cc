#include "controller/audit/audit_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/merkle_tree.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/audit/audit_server.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class AuditServiceTest : public AuditServerTest {
 protected:
  grpc::Status List(const v1::ListAuditEventsRequest& request,
                    v1::ListAuditEventsResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return stub().ListAuditEvents(&context, request, &response);
  }
  grpc::Status Get(uint64_t index, v1::GetAuditEventResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::GetAuditEventRequest request;
    request.set_index(index);
    return stub().GetAuditEvent(&context, request, &response);
  }
  grpc::Status GetCheckpoint(uint64_t old_size,
                             v1::GetCheckpointResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::GetCheckpointRequest request;
    request.set_old_tree_size(old_size);
    return stub().GetCheckpoint(&context, request, &response);
  }
  // The indices of one page.
  std::vector<uint64_t> MustList(const v1::ListAuditEventsRequest& request) {
    v1::ListAuditEventsResponse response;
    const grpc::Status status = List(request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    next_page_ = response.next_page_token();
    std::vector<uint64_t> indices;
    for (const v1::AuditEvent& event : response.events()) {
      indices.push_back(event.index());
    }
    return indices;
  }

  std::string next_page_;
};

TEST_F(AuditServiceTest, ListsByActorObjectAndTime) {
  MustAppend("users/ann", "agents/web1");
  store_.clock().Advance(absl::Hours(1));
  MustAppend("users/ann", "agents/web2");
  MustAppend("users/bob", "agents/web2");
  v1::ListAuditEventsRequest request;
  EXPECT_THAT(MustList(request), ElementsAre(2, 1, 0));
  request.set_actor("users/ann");
  EXPECT_THAT(MustList(request), ElementsAre(1, 0));
  request.set_object("agents/web2");
  EXPECT_THAT(MustList(request), ElementsAre(1));
  request.clear_actor();
  EXPECT_THAT(MustList(request), ElementsAre(2, 1));
  request.clear_object();
  *request.mutable_since_time() = ToProto(kEpoch + absl::Seconds(1));
  EXPECT_THAT(MustList(request), ElementsAre(2, 1));
}

TEST_F(AuditServiceTest, PagesGoOnWhereTheLastOneEnded) {
  for (int i = 0; i < 5; ++i) MustAppend("users/ann");
  v1::ListAuditEventsRequest request;
  request.set_page_size(2);
  EXPECT_THAT(MustList(request), ElementsAre(4, 3));
  // What comes meanwhile moves nothing.
  MustAppend("users/ann");
  request.set_page_token(next_page_);
  EXPECT_THAT(MustList(request), ElementsAre(2, 1));
  request.set_page_token(next_page_);
  EXPECT_THAT(MustList(request), ElementsAre(0));
  EXPECT_EQ(next_page_, "");
}

TEST_F(AuditServiceTest, NamesTheFieldThatIsWrong) {
  v1::ListAuditEventsResponse response;
  v1::ListAuditEventsRequest request;
  request.set_page_size(-1);
  EXPECT_THAT(List(request, response).error_message(),
              StartsWith("page_size: "));
  request.set_page_size(0);
  request.set_page_token("nonsense");
  grpc::Status status = List(request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("page_token"));
  request.clear_page_token();
  request.mutable_since_time()->set_nanos(-1);
  status = List(request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), StartsWith("since_time: "));
}

TEST_F(AuditServiceTest, APageTokenIsGoodForItsListingAlone) {
  for (int i = 0; i < 3; ++i) MustAppend("users/ann");
  v1::ListAuditEventsRequest request;
  request.set_page_size(1);
  MustList(request);
  request.set_page_token(next_page_);
  request.set_actor("users/ann");
  v1::ListAuditEventsResponse response;
  EXPECT_EQ(List(request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AuditServiceTest, AnEventComesWithItsTextAndProof) {
  for (int i = 0; i < 6; ++i) MustAppend(absl::StrCat("users/u", i));
  for (uint64_t index = 0; index < 6; ++index) {
    v1::GetAuditEventResponse response;
    const grpc::Status status = Get(index, response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.event().actor(), absl::StrCat("users/u", index));
    EXPECT_TRUE(
        VerifyCheckpoint(response.checkpoint(), audit().audit_public_key())
            .ok());
    EXPECT_TRUE(merkle::VerifyInclusion(
        index, response.checkpoint().tree_size(),
        merkle::LeafHash(response.text()),
        {response.inclusion_proof().begin(), response.inclusion_proof().end()},
        response.checkpoint().root_hash()));
  }
}

TEST_F(AuditServiceTest, TellsAnEventThatNeverWasFromOneThatIsMissing) {
  for (int i = 0; i < 3; ++i) MustAppend("users/ann");
  v1::GetAuditEventResponse response;
  grpc::Status status = Get(3, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("the log has 3 entries"));
  EXPECT_EQ(Get(UINT64_MAX, response).error_code(),
            grpc::StatusCode::NOT_FOUND);
  Tamper("DELETE FROM audit_events WHERE entry = 1");
  status = Get(1, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(status.error_message(), HasSubstr("audit event 1 is missing"));
}

TEST_F(AuditServiceTest, ShowsAnEntryThatCannotBeReadAsSuch) {
  for (int i = 0; i < 3; ++i) MustAppend("users/ann");
  Tamper("UPDATE audit_events SET text = 'nonsense' WHERE entry = 1");
  v1::ListAuditEventsResponse response;
  ASSERT_TRUE(List({}, response).ok());
  ASSERT_EQ(response.events_size(), 3);
  EXPECT_EQ(response.events(1).index(), 1U);
  EXPECT_THAT(response.events(1).message(), HasSubstr("cannot be read"));
}

TEST_F(AuditServiceTest, ACheckpointContinuesAnyBeforeIt) {
  MustAppend("users/ann");
  const v1::Checkpoint first = audit().newest_checkpoint();
  for (int i = 0; i < 4; ++i) MustAppend("users/ann");
  v1::GetCheckpointResponse response;
  ASSERT_TRUE(GetCheckpoint(1, response).ok());
  EXPECT_EQ(response.public_key(), audit().audit_public_key());
  EXPECT_TRUE(CheckContinuation(first, response.checkpoint(),
                                {response.consistency_proof().begin(),
                                 response.consistency_proof().end()},
                                response.public_key())
                  .ok());
  ASSERT_TRUE(GetCheckpoint(0, response).ok());
  EXPECT_THAT(response.consistency_proof(), IsEmpty());
  const grpc::Status cut = GetCheckpoint(6, response);
  EXPECT_EQ(cut.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(cut.error_message(), HasSubstr("it has 5 entries and had 6"));
}

TEST_F(AuditServiceTest, ThereIsNoCheckpointOfNothing) {
  v1::GetCheckpointResponse response;
  EXPECT_EQ(GetCheckpoint(0, response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace ephemera::controller
