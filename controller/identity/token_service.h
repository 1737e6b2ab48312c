#ifndef EPHEMERA_CONTROLLER_IDENTITY_TOKEN_SERVICE_H_
#define EPHEMERA_CONTROLLER_IDENTITY_TOKEN_SERVICE_H_

#include "controller/identity/identity_context.h"
#include "ephemera/v1/token_service.grpc.pb.h"

namespace ephemera::controller {

// One-time tokens. Thread-safe.
class TokenService final : public v1::TokenService::CallbackService {
 public:
  explicit TokenService(IdentityContext context)
      : context_(std::move(context)) {}

  grpc::ServerUnaryReactor* CreateToken(
      grpc::CallbackServerContext* context,
      const v1::CreateTokenRequest* request,
      v1::CreateTokenResponse* response) override;
  grpc::ServerUnaryReactor* ListTokens(
      grpc::CallbackServerContext* context,
      const v1::ListTokensRequest* request,
      v1::ListTokensResponse* response) override;
  grpc::ServerUnaryReactor* RevokeToken(grpc::CallbackServerContext* context,
                                        const v1::RevokeTokenRequest* request,
                                        v1::Token* response) override;

 private:
  const IdentityContext context_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_TOKEN_SERVICE_H_
