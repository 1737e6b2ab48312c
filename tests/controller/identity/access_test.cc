// Every method of every service says who may call it.

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "controller/identity/authorizer.h"
#include "ephemera/v1/access.pb.h"
#include "ephemera/v1/agent_service.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

// All protos, as protoc read them.
google::protobuf::FileDescriptorSet ReadDescriptors() {
  google::protobuf::FileDescriptorSet set;
  std::ifstream in(EPHEMERA_DESCRIPTORS, std::ios::binary);
  EXPECT_TRUE(set.ParseFromIstream(&in));
  return set;
}

TEST(Access, IsDeclaredByEveryMethodOfEveryService) {
  std::set<std::string> files;
  int methods = 0;
  const google::protobuf::FileDescriptorSet descriptors = ReadDescriptors();
  for (const auto& file : descriptors.file()) {
    files.insert(std::filesystem::path(file.name()).filename());
    for (const auto& service : file.service()) {
      for (const auto& method : service.method()) {
        EXPECT_NE(method.options().GetExtension(v1::access),
                  v1::ACCESS_UNSPECIFIED)
            << service.name() << "." << method.name()
            << " must say who may call it";
        ++methods;
      }
    }
  }
  EXPECT_GE(methods, 25);
  for (const auto& entry :
       std::filesystem::directory_iterator("proto/ephemera/v1")) {
    EXPECT_EQ(files.count(entry.path().filename()), 1U)
        << entry.path() << " is missing in proto/CMakeLists.txt";
  }
}

TEST(Access, IsFoundByTheMethodsPath) {
  // Links the file.
  EXPECT_FALSE(v1::GetAgentRequest::descriptor()->full_name().empty());
  EXPECT_EQ(*DeclaredAccess("/ephemera.v1.AgentService/GetAgent"),
            v1::ACCESS_VIEWER);
  EXPECT_EQ(*DeclaredAccess("/ephemera.v1.AgentService/BanAgent"),
            v1::ACCESS_ADMIN);
}

TEST(Access, OfWhatIsNoMethodOfOursIsNotFound) {
  for (const std::string path :
       {"", "/", "/ephemera.v1.AgentService/NoSuch", "ephemera.v1.AgentService",
        "/google.protobuf.Any/x", "/grpc.health.v1.Health/Check"}) {
    EXPECT_TRUE(absl::IsNotFound(DeclaredAccess(path).status())) << path;
  }
}

}  // namespace
}  // namespace ephemera::controller
