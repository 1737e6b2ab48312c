#include "controller/audit/audit_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "controller/audit/audit_export_stream.h"
#include "controller/identity/stored_call.h"
#include "controller/request/field_check.h"
#include "controller/request/page_token.h"
#include "google/protobuf/util/json_util.h"

namespace ephemera::controller {
namespace {

constexpr int kDefaultEvents = 100;
constexpr int kMaxEvents = 1000;

// The stored text as a message. What cannot be read was changed, and is shown
// as an entry that says so.
v1::AuditEvent ParseEvent(const AuditEntry& entry) {
  v1::AuditEvent event;
  if (!google::protobuf::util::JsonStringToMessage(entry.text, &event).ok()) {
    event.Clear();
    event.set_index(entry.checkpoint.tree_size() - 1);
    event.set_message("this entry cannot be read; see 'audit verify'");
  }
  return event;
}

absl::StatusOr<AuditFilter> ParseFilter(
    const v1::ListAuditEventsRequest& request, uint64_t listing) {
  AuditFilter filter{.actor = request.actor(), .object = request.object()};
  if (request.has_since_time()) {
    const absl::StatusOr<absl::Time> since = FromProto(request.since_time());
    if (!since.ok()) return FieldError("since_time", since.status().message());
    filter.since = *since;
  }
  if (request.page_token().empty()) return filter;
  const absl::StatusOr<std::string> position =
      DecodePageToken(listing, request.page_token());
  if (!position.ok()) return position.status();
  if (!absl::SimpleAtoi(*position, &filter.before_index)) {
    return FieldError("page_token", absl::StrCat(Quoted(request.page_token()),
                                                 " is not a page token"));
  }
  return filter;
}

absl::StatusOr<v1::ListAuditEventsResponse> ListFrom(
    const AuditStore& store, const v1::ListAuditEventsRequest& request,
    const std::function<bool()>& ended) {
  const absl::StatusOr<int> page_size =
      PageSize("page_size", request.page_size(), kDefaultEvents, kMaxEvents);
  if (!page_size.ok()) return page_size.status();
  const uint64_t listing = ListingHash(request);
  const absl::StatusOr<AuditFilter> filter = ParseFilter(request, listing);
  if (!filter.ok()) return filter.status();
  // One more tells whether there is a next page.
  const auto entries = store.ListEvents(*filter, *page_size + 1, ended);
  if (!entries.ok()) return entries.status();
  v1::ListAuditEventsResponse response;
  for (const AuditEntry& entry : *entries) {
    if (response.events_size() == *page_size) {
      response.set_next_page_token(
          EncodePageToken(listing, absl::StrCat(entry.checkpoint.tree_size())));
      break;
    }
    *response.add_events() = ParseEvent(entry);
  }
  return response;
}

absl::StatusOr<v1::GetAuditEventResponse> GetFrom(const AuditStore& store,
                                                  uint64_t index) {
  const v1::Checkpoint newest = store.newest_checkpoint();
  if (index >= newest.tree_size()) {
    return absl::NotFoundError(absl::StrCat("no audit event ", index,
                                            ": the log has ",
                                            newest.tree_size(), " entries"));
  }
  const auto entries = store.ReadEntries(index, 1);
  if (!entries.ok()) return entries.status();
  if (entries->empty() ||
      entries->front().checkpoint.tree_size() != index + 1) {
    return absl::DataLossError(
        absl::StrCat("audit event ", index, " is missing in the log"));
  }
  absl::StatusOr<std::vector<std::string>> proof =
      store.ProveInclusion(index, newest.tree_size());
  if (!proof.ok()) return proof.status();
  v1::GetAuditEventResponse response;
  *response.mutable_event() = ParseEvent(entries->front());
  response.set_text(entries->front().text);
  response.mutable_inclusion_proof()->Assign(proof->begin(), proof->end());
  *response.mutable_checkpoint() = newest;
  return response;
}

absl::StatusOr<v1::GetCheckpointResponse> GetCheckpointFrom(
    const AuditStore& store, uint64_t old_size) {
  const v1::Checkpoint newest = store.newest_checkpoint();
  if (newest.tree_size() == 0) {
    return absl::UnavailableError(
        "the audit log has no entry yet, not even of the controller's start: "
        "can it write to its disk?");
  }
  if (old_size > newest.tree_size()) {
    return absl::OutOfRangeError(absl::StrCat("the audit log was cut: it has ",
                                              newest.tree_size(),
                                              " entries and had ", old_size));
  }
  absl::StatusOr<std::vector<std::string>> proof =
      store.ProveConsistency(old_size, newest.tree_size());
  if (!proof.ok()) return proof.status();
  v1::GetCheckpointResponse response;
  *response.mutable_checkpoint() = newest;
  response.mutable_consistency_proof()->Assign(proof->begin(), proof->end());
  response.set_public_key(store.audit_public_key());
  return response;
}

}  // namespace

template <typename Response>
grpc::ServerUnaryReactor* AuditService::Answer(
    grpc::CallbackServerContext& context, QueryPool& pool, Response& response,
    std::function<absl::StatusOr<Response>(const AuditStore&, const Ended&)>
        read) {
  const std::shared_ptr<StoredCall> call = StoredCall::Start(
      context, "the audit log could not be read in time; try again");
  grpc::ServerUnaryReactor* const reactor = call->reactor();
  const absl::Status queued = pool.Run(
      CallerOf(context).Actor(),
      [call, &store = store_, &response, read = std::move(read)] {
        const Ended ended = [&call] { return call->HasEnded(); };
        if (ended()) return;
        absl::StatusOr<Response> answer = read(store, ended);
        call->Finish(answer.status(), [&] { response = *std::move(answer); });
      });
  if (!queued.ok()) call->Finish(queued);
  return reactor;
}

grpc::ServerUnaryReactor* AuditService::ListAuditEvents(
    grpc::CallbackServerContext* context,
    const v1::ListAuditEventsRequest* request,
    v1::ListAuditEventsResponse* response) {
  return Answer<v1::ListAuditEventsResponse>(
      *context, queries_, *response,
      [asked = *request](const AuditStore& store, const Ended& ended) {
        return ListFrom(store, asked, ended);
      });
}

grpc::ServerUnaryReactor* AuditService::GetAuditEvent(
    grpc::CallbackServerContext* context,
    const v1::GetAuditEventRequest* request,
    v1::GetAuditEventResponse* response) {
  return Answer<v1::GetAuditEventResponse>(
      *context, queries_, *response,
      [index = request->index()](const AuditStore& store, const Ended&) {
        return GetFrom(store, index);
      });
}

grpc::ServerUnaryReactor* AuditService::GetCheckpoint(
    grpc::CallbackServerContext* context,
    const v1::GetCheckpointRequest* request,
    v1::GetCheckpointResponse* response) {
  return Answer<v1::GetCheckpointResponse>(
      *context, proofs_, *response,
      [old_size = request->old_tree_size()](const AuditStore& store,
                                            const Ended&) {
        return GetCheckpointFrom(store, old_size);
      });
}

grpc::ServerWriteReactor<v1::ExportAuditLogResponse>*
AuditService::ExportAuditLog(grpc::CallbackServerContext* context,
                             const v1::ExportAuditLogRequest* /*request*/) {
  return AuditExportStream::Start(CallerOf(*context), store_, queries_,
                                  streams_);
}

}  // namespace ephemera::controller
