#include "cli/commands/audit_verify.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/audit_export_reader.h"
#include "cli/exit_code.h"
#include "common/audit_export.h"
#include "common/private_file.h"

namespace ephemera::cli {
namespace {

struct VerifyOptions {
  std::string file;
  std::string public_key;
};

// 64 digits, or a file that holds them.
absl::StatusOr<std::string> ReadPublicKey(const std::string& text) {
  absl::StatusOr<std::string> key = ParsePublicKey(text);
  if (key.ok()) return key;
  const absl::StatusOr<std::string> file = ReadSmallFile(text);
  if (file.ok()) key = ParsePublicKey(*file);
  if (key.ok()) return key;
  return absl::InvalidArgumentError(absl::StrCat(
      "--public-key: ", (file.ok() ? key.status() : file.status()).message(),
      "; give 64 "
      "hexadecimal digits, or the file audit.pub"));
}

// Who says that the key is right, which is what a sound log is worth.
enum class KeySource { kGiven, kKnown, kFile };

KeySource SourceOf(const VerifyOptions& options, bool known) {
  if (!options.public_key.empty()) return KeySource::kGiven;
  return known ? KeySource::kKnown : KeySource::kFile;
}

absl::string_view KeySourceWord(KeySource source) {
  switch (source) {
    case KeySource::kGiven:
      return "given";
    case KeySource::kKnown:
      return "known";
    case KeySource::kFile:
      return "file";
  }
  return "";
}

absl::string_view KeySourceText(KeySource source) {
  switch (source) {
    case KeySource::kGiven:
      return "the key given";
    case KeySource::kKnown:
      return "the key known from before";
    case KeySource::kFile:
      return "the key named in it, which nothing vouches for: compare it with "
             "audit.pub";
  }
  return "";
}

absl::Status Report(const absl::StatusOr<AuditExportSummary>& summary,
                    KeySource source, Session& session) {
  if (!summary.ok()) {
    return absl::IsDataLoss(summary.status())
               ? CheckFailedError(absl::StrCat("the audit log is broken: ",
                                               summary.status().message()))
               : summary.status();
  }
  if (summary->events == 0) {
    return CheckFailedError(
        "there is no entry, not even of the controller's start: nothing is "
        "proven");
  }
  const std::string key = absl::BytesToHexString(summary->public_key);
  const std::string root =
      absl::BytesToHexString(summary->checkpoint.root_hash());
  std::ostream& out = session.context.out;
  switch (session.options.format) {
    case OutputFormat::kTable:
      out << "The audit log is sound: " << summary->events
          << " entries, each signed with " << KeySourceText(source)
          << ".\n  key   " << key << "\n  root  " << root << "\n";
      break;
    case OutputFormat::kJson:
      out << "{\"events\":\"" << summary->events << "\",\"public_key\":\""
          << key << "\",\"key_source\":\"" << KeySourceWord(source)
          << "\",\"root_hash\":\"" << root << "\"}\n";
      break;
    case OutputFormat::kCsv:
      out << "events,public_key,key_source,root_hash\n"
          << summary->events << ',' << key << ',' << KeySourceWord(source)
          << ',' << root << '\n';
  }
  return absl::OkStatus();
}

absl::Status VerifyFile(const VerifyOptions& options,
                        std::optional<std::string> key, Session& session) {
  std::ifstream in(options.file, std::ios::binary);
  if (!in) {
    return absl::NotFoundError(
        absl::StrCat("cannot read ", options.file, ": ", std::strerror(errno)));
  }
  // A file needs no controller, but where it was seen before, its key is known.
  const absl::StatusOr<KnownLog> log = session.connection.LoadKnownLog();
  const bool known = log.ok() && !log->public_key().empty();
  if (!key.has_value() && known) key = log->public_key();
  if (!known || key != log->public_key()) {
    return Report(VerifyAuditExport(in, key, std::nullopt),
                  SourceOf(options, known), session);
  }
  // An older export may end before what was seen of the log since.
  const auto summary = VerifyAuditExport(in, key, log->checkpoint(),
                                         /*may_be_older=*/true);
  absl::Status status = Report(summary, SourceOf(options, known), session);
  if (status.ok() && summary->events < log->checkpoint().tree_size()) {
    session.context.err << "ephemera: you have seen "
                        << log->checkpoint().tree_size()
                        << " entries of this log: the export ends before\n";
  }
  return status;
}

absl::Status VerifyController(const VerifyOptions& options,
                              std::optional<std::string> key,
                              Session& session) {
  const absl::StatusOr<KnownLog> log = session.connection.LoadKnownLog();
  if (!log.ok()) return log.status();
  const bool known = !log->public_key().empty();
  if (!key.has_value() && known) key = log->public_key();
  auto reader = AuditExportReader::Start(session.connection);
  if (!reader.ok()) return reader.status();
  std::istream in(reader->get());
  const absl::StatusOr<AuditExportSummary> summary =
      VerifyAuditExport(in, key, log->checkpoint());
  if (absl::IsDataLoss(summary.status())) {
    // An export that broke off looks like a log that was cut.
    if (in.eof()) {
      absl::Status ended = (*reader)->Finish();
      if (!ended.ok()) return ended;
    }
    return Report(summary, SourceOf(options, known), session);
  }
  absl::Status status = (*reader)->Finish();
  if (!status.ok()) return status;
  status = Report(summary, SourceOf(options, known), session);
  // Remembers it.
  return status.ok() ? session.connection.CheckAuditLog() : status;
}

absl::Status Verify(const VerifyOptions& options, Session& session) {
  std::optional<std::string> key;
  if (!options.public_key.empty()) {
    absl::StatusOr<std::string> given = ReadPublicKey(options.public_key);
    if (!given.ok()) return given.status();
    key = *std::move(given);
  }
  return options.file.empty()
             ? VerifyController(options, std::move(key), session)
             : VerifyFile(options, std::move(key), session);
}

}  // namespace

void AddAuditVerify(CLI::App& audit, GlobalOptions& globals, Action& action) {
  CLI::App* const verify = AddCommand(
      audit, "verify",
      "Check every entry, signature and proof of the log, or of an export",
      globals,
      "ephemera audit verify\n"
      "ephemera audit verify audit.jsonl --public-key audit.pub\n"
      "Exit code 5 where the log is broken; the first wrong entry is named.");
  const auto options = std::make_shared<VerifyOptions>();
  verify
      ->add_option("FILE", options->file,
                   "An export; without it, the controller's log as it is now")
      ->option_text(" ");
  verify
      ->add_option("--public-key", options->public_key,
                   "The log's key: 64 hexadecimal digits, or a file with them")
      ->option_text("HEX|FILE");
  verify->callback([&action, options] {
    action = [options](Session& session) { return Verify(*options, session); };
  });
}

}  // namespace ephemera::cli
