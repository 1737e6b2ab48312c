#ifndef EPHEMERA_CONTROLLER_IDENTITY_USER_SERVICE_H_
#define EPHEMERA_CONTROLLER_IDENTITY_USER_SERVICE_H_

#include "controller/identity/identity_context.h"
#include "ephemera/v1/user_service.grpc.pb.h"

namespace ephemera::controller {

// The people and their roles. Thread-safe.
class UserService final : public v1::UserService::CallbackService {
 public:
  explicit UserService(IdentityContext context)
      : context_(std::move(context)) {}

  grpc::ServerUnaryReactor* CreateUser(
      grpc::CallbackServerContext* context,
      const v1::CreateUserRequest* request,
      v1::CreateUserResponse* response) override;
  grpc::ServerUnaryReactor* ListUsers(grpc::CallbackServerContext* context,
                                      const v1::ListUsersRequest* request,
                                      v1::ListUsersResponse* response) override;
  grpc::ServerUnaryReactor* SetUserRole(grpc::CallbackServerContext* context,
                                        const v1::SetUserRoleRequest* request,
                                        v1::User* response) override;
  grpc::ServerUnaryReactor* DisableUser(grpc::CallbackServerContext* context,
                                        const v1::DisableUserRequest* request,
                                        v1::User* response) override;
  grpc::ServerUnaryReactor* EnableUser(grpc::CallbackServerContext* context,
                                       const v1::EnableUserRequest* request,
                                       v1::User* response) override;

 private:
  grpc::ServerUnaryReactor* Update(grpc::CallbackServerContext& context,
                                   absl::string_view action,
                                   const std::string& name,
                                   const absl::Status& valid,
                                   const IdentityStore::UserChange& change,
                                   v1::User& response);

  const IdentityContext context_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_USER_SERVICE_H_
