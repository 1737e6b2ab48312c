#include "controller/ingest/open_streams.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Remembers how it was told to end.
class RecordedStream final : public StoppableStream {
 public:
  void Stop(const absl::Status& status) override { stops_.push_back(status); }
  const std::vector<absl::Status>& stops() const { return stops_; }

 private:
  std::vector<absl::Status> stops_;
};

Caller AgentCaller(const std::string& name, const std::string& serial = "A1") {
  Caller caller;
  caller.kind = Caller::Kind::kAgent;
  caller.identity = {.kind = Identity::Kind::kAgent, .name = name};
  caller.serial = serial;
  return caller;
}

Caller LocalCaller() {
  Caller caller;
  caller.kind = Caller::Kind::kLocal;
  return caller;
}

class OpenStreamsTest : public testing::Test {
 protected:
  std::shared_ptr<RecordedStream> Add(const Caller& caller,
                                      v1::Access access = v1::ACCESS_AGENT) {
    auto stream = std::make_shared<RecordedStream>();
    streams_.Add(stream, caller, access);
    return stream;
  }

  OpenStreams streams_;
};

TEST_F(OpenStreamsTest, EndsTheStreamsThatAreNoLongerAllowed) {
  const auto agent = Add(AgentCaller("web1"));
  const auto other = Add(AgentCaller("web2", "A2"));
  const auto watch = Add(AgentCaller("web1"), v1::ACCESS_VIEWER);
  streams_.StopDenied([](const Caller& caller, v1::Access access) {
    return caller.serial == "A1" && access == v1::ACCESS_AGENT
               ? absl::PermissionDeniedError("banned")
               : absl::OkStatus();
  });
  EXPECT_THAT(agent->stops(),
              ElementsAre(absl::PermissionDeniedError("banned")));
  EXPECT_THAT(other->stops(), IsEmpty());
  EXPECT_THAT(watch->stops(), IsEmpty());
}

TEST_F(OpenStreamsTest, AsksNothingAboutStreamsThatHaveEnded) {
  const auto removed = Add(AgentCaller("web1"));
  streams_.Remove(removed.get());
  // Not removed yet, but gone.
  Add(AgentCaller("web2"));
  streams_.StopDenied([](const Caller&, v1::Access) {
    return absl::PermissionDeniedError("banned");
  });
  EXPECT_THAT(removed->stops(), IsEmpty());
}

TEST_F(OpenStreamsTest, AShutdownEndsAllAndThoseThatComeAfterIt) {
  const auto agent = Add(AgentCaller("web1"));
  const auto local = Add(LocalCaller(), v1::ACCESS_VIEWER);
  const auto removed = Add(LocalCaller());
  streams_.Remove(removed.get());
  streams_.StopAll();
  EXPECT_THAT(agent->stops(), ElementsAre(ShutDownError()));
  EXPECT_THAT(local->stops(), ElementsAre(ShutDownError()));
  EXPECT_THAT(removed->stops(), IsEmpty());
  EXPECT_THAT(Add(LocalCaller())->stops(), ElementsAre(ShutDownError()));
}

TEST_F(OpenStreamsTest, ACallerHasSixteenStreamsAtMost) {
  std::vector<std::shared_ptr<RecordedStream>> open;
  for (int i = 0; i < OpenStreams::kMaxStreamsPerCaller; ++i) {
    // However many certificates it has.
    open.push_back(Add(AgentCaller("web1", i % 2 == 0 ? "A1" : "A2")));
    EXPECT_THAT(open.back()->stops(), IsEmpty());
  }
  const auto refused = Add(AgentCaller("web1"));
  ASSERT_EQ(refused->stops().size(), 1U);
  EXPECT_TRUE(absl::IsResourceExhausted(refused->stops()[0]));
  EXPECT_THAT(std::string(refused->stops()[0].message()),
              HasSubstr("agents/web1 has 16 streams"));
  EXPECT_THAT(Add(AgentCaller("web2"))->stops(), IsEmpty());

  // One that was never taken makes no room when it goes.
  streams_.Remove(refused.get());
  EXPECT_EQ(Add(AgentCaller("web1"))->stops().size(), 1U);
  streams_.Remove(open.back().get());
  EXPECT_THAT(Add(AgentCaller("web1"))->stops(), IsEmpty());
  EXPECT_EQ(Add(AgentCaller("web1"))->stops().size(), 1U);
}

TEST_F(OpenStreamsTest, TheControllersOwnHostHasAsManyAsItLikes) {
  std::vector<std::shared_ptr<RecordedStream>> open;
  for (int i = 0; i < 100; ++i) {
    open.push_back(Add(LocalCaller()));
    EXPECT_THAT(open.back()->stops(), IsEmpty());
  }
}

}  // namespace
}  // namespace ephemera::controller
