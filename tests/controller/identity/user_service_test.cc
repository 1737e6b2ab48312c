#include "controller/identity/user_service.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/enrolment_token.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/identity/identity_server.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class UserServiceTest : public IdentityServiceTest {
 protected:
  v1::CreateUserResponse MustCreateUser(const std::string& name,
                                        v1::Role role = v1::ROLE_VIEWER) {
    v1::CreateUserResponse response;
    const grpc::Status status = CreateUser(name, role, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status SetRole(const std::string& name, v1::Role role, v1::User& user) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::SetUserRoleRequest request;
    request.set_name(name);
    request.set_role(role);
    return users().SetUserRole(&context, request, &user);
  }
  grpc::Status Disable(const std::string& name, v1::User& user) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::DisableUserRequest request;
    request.set_name(name);
    return users().DisableUser(&context, request, &user);
  }
  grpc::Status Enable(const std::string& name, v1::User& user) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::EnableUserRequest request;
    request.set_name(name);
    return users().EnableUser(&context, request, &user);
  }
  grpc::Status List(const v1::ListUsersRequest& request,
                    v1::ListUsersResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return users().ListUsers(&context, request, &response);
  }
};

TEST_F(UserServiceTest, ANewUserComesWithATokenToLogIn) {
  const v1::CreateUserResponse made =
      MustCreateUser("users/ann", v1::ROLE_APPROVER);
  EXPECT_EQ(made.user().name(), "users/ann");
  EXPECT_EQ(made.user().role(), v1::ROLE_APPROVER);
  EXPECT_FALSE(made.user().disabled());
  EXPECT_FALSE(made.user().has_certificate_expire_time());
  EXPECT_EQ(made.token().token().identity(), "users/ann");
  EXPECT_TRUE(ParseEnrolmentToken(made.token().secret()).ok());
  EXPECT_EQ(made.token().ca_fingerprint(), ca_->certificate().Fingerprint());
  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.action(), "user.create");
  EXPECT_EQ(event.object(), "users/ann");
  EXPECT_EQ(event.after().at("role"), "approver");
  EXPECT_EQ(event.ShortDebugString().find(made.token().secret()),
            std::string::npos);
}

TEST_F(UserServiceTest, ShowsWhenTheLastCertificateExpires) {
  v1::EnrolResponse login;
  ASSERT_TRUE(
      Enrol(MustCreateUser("users/ann").token().secret(),
            *MakeCertificateRequest(*PrivateKey::GenerateP256(), std::nullopt),
            login)
          .ok());
  v1::ListUsersResponse response;
  ASSERT_TRUE(List({}, response).ok());
  EXPECT_EQ(*FromProto(response.users(0).certificate_expire_time()),
            Certificate::FromDer(login.certificate())->not_after());
}

TEST_F(UserServiceTest, ANameIsGivenOnce) {
  MustCreateUser("users/ann");
  v1::CreateUserResponse response;
  EXPECT_EQ(CreateUser("users/ann", v1::ROLE_ADMIN, response).error_code(),
            grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(refused_.AwaitStored(1)[0].action, "user.create");
  EXPECT_EQ(refused_.stored()[0].object, "users/ann");
}

TEST_F(UserServiceTest, NamesTheFieldThatIsWrong) {
  v1::CreateUserResponse response;
  for (const std::string name :
       {"", "ann", "users/", "agents/web1", "users/Ann!"}) {
    const grpc::Status status = CreateUser(name, v1::ROLE_VIEWER, response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
    EXPECT_THAT(status.error_message(), StartsWith("name: "));
  }
  for (const int role : {0, 5, -1}) {
    const grpc::Status status =
        CreateUser("users/ann", static_cast<v1::Role>(role), response);
    EXPECT_EQ(status.error_message(),
              absl::StrCat("role: ", role, " is no role"));
  }
  EXPECT_THAT(store_->identities().ListUsers(), IsEmpty());
}

TEST_F(UserServiceTest, ListsByNamePageByPage) {
  for (const char* const name : {"c", "a", "e", "b", "d"}) {
    MustCreateUser(absl::StrCat("users/", name));
  }
  v1::ListUsersRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  do {
    v1::ListUsersResponse response;
    ASSERT_TRUE(List(request, response).ok());
    EXPECT_LE(response.users_size(), 2);
    for (const v1::User& user : response.users()) names.push_back(user.name());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("users/a", "users/b", "users/c", "users/d",
                                 "users/e"));
  v1::ListUsersResponse response;
  request.set_page_size(-1);
  EXPECT_EQ(List(request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(UserServiceTest, ARoleIsChanged) {
  MustCreateUser("users/ann");
  v1::User user;
  ASSERT_TRUE(SetRole("users/ann", v1::ROLE_ADMIN, user).ok());
  EXPECT_EQ(user.name(), "users/ann");
  EXPECT_EQ(user.role(), v1::ROLE_ADMIN);
  EXPECT_EQ(store_->identities().FindUser("ann")->role, v1::ROLE_ADMIN);
  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.action(), "user.set-role");
  EXPECT_EQ(event.object(), "users/ann");
  EXPECT_EQ(event.before().at("role"), "viewer");
  EXPECT_EQ(event.after().at("role"), "admin");
  EXPECT_EQ(SetRole("users/ann", v1::ROLE_UNSPECIFIED, user).error_message(),
            "role: 0 is no role");
}

TEST_F(UserServiceTest, AUserIsDisabledAndEnabled) {
  MustCreateUser("users/ann");
  v1::User user;
  ASSERT_TRUE(Disable("users/ann", user).ok());
  EXPECT_TRUE(user.disabled());
  EXPECT_TRUE(store_->identities().FindUser("ann")->disabled);
  EXPECT_EQ(NewestEvent().action(), "user.disable");
  ASSERT_TRUE(Enable("users/ann", user).ok());
  EXPECT_FALSE(user.disabled());
  EXPECT_EQ(NewestEvent().action(), "user.enable");
}

TEST_F(UserServiceTest, ChangesNobodyWhoIsNotThere) {
  v1::User user;
  EXPECT_EQ(SetRole("users/bob", v1::ROLE_ADMIN, user).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Disable("users/bob", user).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Enable("users/bob", user).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(Enable("agents/bob", user).error_message(),
              HasSubstr("is not users/NAME"));
  std::vector<std::string> actions;
  for (const AuditDraft& event : refused_.AwaitStored(4)) {
    actions.push_back(event.action);
  }
  EXPECT_THAT(actions, ElementsAre("user.set-role", "user.disable",
                                   "user.enable", "user.enable"));
}

}  // namespace
}  // namespace ephemera::controller
