#include "cli/commands/audit.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/audit_export_reader.h"
#include "cli/audit_view.h"
#include "cli/commands/audit_verify.h"
#include "cli/exit_code.h"
#include "cli/history_query.h"
#include "cli/text.h"
#include "common/checkpoint.h"
#include "common/merkle_tree.h"
#include "common/private_file.h"
#include "common/proto_time.h"
#include "ephemera/v1/audit_service.grpc.pb.h"

namespace ephemera::cli {
namespace {

constexpr int kMaxLimit = 1'000'000;
constexpr int kListPage = 1000;

struct ListOptions {
  std::string actor;
  std::string object;
  std::string since;
  int limit = 50;
};

absl::StatusOr<v1::ListAuditEventsResponse> Fetch(const ListOptions& options,
                                                  Session& session) {
  v1::ListAuditEventsRequest request;
  request.set_actor(options.actor);
  request.set_object(options.object);
  if (!options.since.empty()) {
    const absl::StatusOr<absl::Time> since =
        ParseTimePoint(options.since, absl::Now());
    if (!since.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--since: ", since.status().message()));
    }
    *request.mutable_since_time() = ToProto(*since);
  }
  v1::ListAuditEventsResponse all;
  do {
    request.set_page_size(
        std::min(kListPage, options.limit - all.events_size()));
    v1::ListAuditEventsResponse page;
    absl::Status status = session.connection.Call(
        &v1::AuditService::Stub::ListAuditEvents, request, &page);
    if (!status.ok()) return status;
    all.mutable_events()->MergeFrom(page.events());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && all.events_size() < options.limit);
  all.set_next_page_token(request.page_token());
  return all;
}

absl::Status ListEvents(const ListOptions& options, Session& session) {
  const absl::StatusOr<v1::ListAuditEventsResponse> events =
      Fetch(options, session);
  if (!events.ok()) return events.status();
  Context& context = session.context;
  switch (session.options.format) {
    case OutputFormat::kJson:
      context.out << ToJson(*events, /*one_line=*/false);
      break;
    case OutputFormat::kCsv:
      WriteAuditCsv(*events, context.out);
      break;
    case OutputFormat::kTable:
      if (events->events().empty()) {
        context.err << "ephemera: no such events\n";
        break;
      }
      PrintLines(
          AuditTable(*events, context.zone).Render(StyleOf(context.terminal())),
          context.out);
      if (!events->next_page_token().empty()) {
        context.err << "ephemera: there are more, older ones; see --limit\n";
      }
  }
  return absl::OkStatus();
}

// That the log holds the event as it was shown.
absl::Status CheckEvent(const v1::GetAuditEventResponse& response,
                        const std::string& public_key) {
  absl::Status status = VerifyCheckpoint(response.checkpoint(), public_key);
  if (!status.ok()) return CheckFailedError(status.message());
  const std::vector<std::string> proof(response.inclusion_proof().begin(),
                                       response.inclusion_proof().end());
  if (merkle::VerifyInclusion(response.event().index(),
                              response.checkpoint().tree_size(),
                              merkle::LeafHash(response.text()), proof,
                              response.checkpoint().root_hash())) {
    return absl::OkStatus();
  }
  return CheckFailedError(
      absl::StrCat("entry ", response.event().index(),
                   " is not what was signed; 'ephemera audit verify' says "
                   "more"));
}

absl::Status ShowEvent(uint64_t index, Session& session) {
  v1::GetAuditEventRequest request;
  request.set_index(index);
  v1::GetAuditEventResponse response;
  absl::Status status = session.connection.Call(
      &v1::AuditService::Stub::GetAuditEvent, request, &response);
  if (!status.ok()) return status;
  // Pins the key where none is known.
  status = session.connection.CheckAuditLog();
  if (!status.ok()) return status;
  const absl::StatusOr<KnownLog> known = session.connection.LoadKnownLog();
  if (!known.ok()) return known.status();
  if (session.options.format == OutputFormat::kTable) {
    PrintLines(AuditDetails(response.event(), session.context.zone),
               session.context.out);
  } else {
    session.context.out << ToJson(response, /*one_line=*/false);
  }
  status = CheckEvent(response, known->public_key());
  if (status.ok() && session.options.format == OutputFormat::kTable) {
    session.context.out << "  proven      in the signed log of "
                        << response.checkpoint().tree_size() << " entries\n";
  }
  return status;
}

// Hands the export to `put` as it comes.
absl::Status CopyExport(AuditExportReader& reader, const PutPiece& put) {
  std::vector<char> piece(size_t{64} << 10);
  while (true) {
    const std::streamsize got =
        reader.sgetn(piece.data(), static_cast<std::streamsize>(piece.size()));
    if (got <= 0) return reader.Finish();
    absl::Status status =
        put(absl::string_view(piece.data(), static_cast<size_t>(got)));
    if (!status.ok()) return status;
  }
}

absl::Status CheckTarget(const std::string& file, bool replace) {
  std::error_code ignored;
  const auto present = std::filesystem::status(file, ignored);
  if (!std::filesystem::exists(present)) return absl::OkStatus();
  if (!std::filesystem::is_regular_file(present)) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, " is not a regular file; - writes to standard output"));
  }
  if (replace) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat(file, " exists; --force replaces it"));
}

absl::Status Export(const std::string& file, bool force, Session& session) {
  const bool to_output = file == "-";
  if (!to_output) {
    absl::Status status = CheckTarget(file, force);
    if (!status.ok()) return status;
  }
  const auto reader = AuditExportReader::Start(session.connection);
  if (!reader.ok()) return reader.status();
  if (to_output) {
    return CopyExport(**reader, [&session](absl::string_view piece) {
      session.context.out << piece;
      // Why is for the end to say.
      return session.context.out.good()
                 ? absl::OkStatus()
                 : absl::DataLossError("cannot write the output");
    });
  }
  absl::Status status = WriteFileAtomically(
      file,
      [&reader](const PutPiece& put) { return CopyExport(**reader, put); });
  // Else it looks as if the controller could not be reached.
  if (absl::IsUnavailable(status) && !(*reader)->finished()) {
    return absl::FailedPreconditionError(status.message());
  }
  if (!status.ok()) return status;
  session.context.err << "ephemera: exported to " << EscapeText(file)
                      << "; 'ephemera audit verify " << EscapeText(file)
                      << "' checks it\n";
  return absl::OkStatus();
}

void AddList(CLI::App& audit, GlobalOptions& globals, Action& action) {
  CLI::App* const list = AddCommand(
      audit, "list", "What was changed or refused, the newest first", globals,
      "ephemera audit list\n"
      "ephemera audit list --actor users/ann --since 1d\n"
      "ephemera audit list --object agents/web-1 -o json");
  const auto options = std::make_shared<ListOptions>();
  list->add_option("--actor", options->actor,
                   "Who did it, such as users/ann, agents/web-1, local")
      ->option_text("WHO");
  list->add_option("--object", options->object,
                   "What it was done to, such as agents/web-1")
      ->option_text("NAME");
  list->add_option("--since", options->since,
                   "Not before: 1h ago, or a time like 2026-01-31T12:00:00Z")
      ->option_text("TIME");
  list->add_option("--limit", options->limit, "At most so many (default: 50)")
      ->check(CLI::Range(1, kMaxLimit))
      ->option_text("N");
  list->callback([&action, options] {
    action = [options](Session& session) {
      return ListEvents(*options, session);
    };
  });
}

void AddExport(CLI::App& audit, GlobalOptions& globals, Action& action) {
  CLI::App* const command =
      AddCommand(audit, "export",
                 "Write the whole log to a file that proves itself", globals,
                 "ephemera audit export audit.jsonl\n"
                 "ephemera audit export - | zstd > audit.jsonl.zst");
  const auto file = std::make_shared<std::string>();
  const auto force = std::make_shared<bool>(false);
  command->add_option("FILE", *file, "Where to; - is standard output")
      ->required()
      ->option_text(" ");
  command->add_flag("--force", *force, "Replace the file where it exists");
  command->callback([&action, file, force] {
    action = [file, force](Session& session) {
      return Export(*file, *force, session);
    };
  });
}

}  // namespace

void AddAuditCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* const audit = app.add_subcommand(
      "audit", "Who did what, and the proof that the record is whole");
  audit->require_subcommand(1);
  AddGlobalFlags(*audit, globals);
  audit->footer(
      "Examples:\n  ephemera audit list --since 1d\n  ephemera audit verify");
  AddList(*audit, globals, action);
  CLI::App* const show =
      AddCommand(*audit, "show", "One event in full, with its proof", globals,
                 "ephemera audit show 42");
  const auto index = std::make_shared<uint64_t>(0);
  show->add_option("ID", *index, "The event, as 'audit list' names it")
      ->required()
      ->check(CLI::NonNegativeNumber)
      ->option_text(" ");
  show->callback([&action, index] {
    action = [index](Session& session) { return ShowEvent(*index, session); };
  });
  AddExport(*audit, globals, action);
  AddAuditVerify(*audit, globals, action);
}

}  // namespace ephemera::cli
