#include "cli/audit_export_reader.h"

#include <chrono>

namespace ephemera::cli {
namespace {

// Of a whole log; the controller has a bound of its own.
constexpr std::chrono::minutes kExportLimit(15);

}  // namespace

absl::StatusOr<std::unique_ptr<AuditExportReader>> AuditExportReader::Start(
    Connection& connection) {
  const auto channel = connection.Channel();
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<AuditExportReader>(
      new AuditExportReader(connection, *channel));
}

AuditExportReader::AuditExportReader(
    Connection& connection, const std::shared_ptr<grpc::Channel>& channel)
    : connection_(connection), stub_(v1::AuditService::NewStub(channel)) {
  connection_.Prepare(context_);
  context_.set_deadline(std::chrono::system_clock::now() + kExportLimit);
  reader_ = stub_->ExportAuditLog(&context_, v1::ExportAuditLogRequest());
}

AuditExportReader::~AuditExportReader() {
  if (finished_) return;
  context_.TryCancel();
  (void)reader_->Finish();
}

AuditExportReader::int_type AuditExportReader::underflow() {
  do {
    if (!reader_->Read(&chunk_)) return traits_type::eof();
  } while (chunk_.text().empty());
  std::string& text = *chunk_.mutable_text();
  setg(text.data(), text.data(), text.data() + text.size());
  return traits_type::to_int_type(text.front());
}

absl::Status AuditExportReader::Finish() {
  finished_ = true;
  return connection_.Explain(reader_->Finish());
}

}  // namespace ephemera::cli
