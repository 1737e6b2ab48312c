#ifndef EPHEMERA_CLI_AUDIT_EXPORT_READER_H_
#define EPHEMERA_CLI_AUDIT_EXPORT_READER_H_

#include <memory>
#include <streambuf>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/connection.h"
#include "ephemera/v1/audit_service.grpc.pb.h"

namespace ephemera::cli {

// The controller's export of its audit log as a stream of text, as it comes: a
// chunk is in memory at a time. For one thread.
class AuditExportReader final : public std::streambuf {
 public:
  // Errors are those of Connection::Channel(). `connection` must outlive it.
  static absl::StatusOr<std::unique_ptr<AuditExportReader>> Start(
      Connection& connection);
  ~AuditExportReader() override;

  // How the export ended, once the text has. Errors are those of
  // Connection::Explain().
  absl::Status Finish();
  bool finished() const { return finished_; }

 protected:
  int_type underflow() override;

 private:
  AuditExportReader(Connection& connection,
                    const std::shared_ptr<grpc::Channel>& channel);

  Connection& connection_;
  const std::unique_ptr<v1::AuditService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ExportAuditLogResponse>> reader_;
  v1::ExportAuditLogResponse chunk_;
  bool finished_ = false;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_AUDIT_EXPORT_READER_H_
