#ifndef EPHEMERA_CONTROLLER_IDENTITY_ACCESS_PROCESSOR_H_
#define EPHEMERA_CONTROLLER_IDENTITY_ACCESS_PROCESSOR_H_

#include "controller/identity/authorizer.h"
#include "controller/identity/refusal_log.h"
#include "grpcpp/security/auth_metadata_processor.h"

namespace ephemera::controller {

// Stands before every method of a listener: gRPC calls no handler that the
// authorizer does not allow. Thread-safe; the collaborators must outlive the
// server.
class AccessProcessor final : public grpc::AuthMetadataProcessor {
 public:
  AccessProcessor(const Authorizer& authorizer, RefusalLog& refusals,
                  bool on_unix_socket)
      : authorizer_(authorizer),
        refusals_(refusals),
        on_unix_socket_(on_unix_socket) {}

  bool IsBlocking() const override { return false; }
  // gRPC 1.51 does not say here where the peer is; the audit event of a refusal
  // has its certificate's serial number alone.
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* auth,
                       OutputMetadata* consumed,
                       OutputMetadata* response) override;

 private:
  const Authorizer& authorizer_;
  RefusalLog& refusals_;
  const bool on_unix_socket_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_ACCESS_PROCESSOR_H_
