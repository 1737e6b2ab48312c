#include "controller/store/query_pool.h"

#include <atomic>
#include <future>

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

TEST(QueryPool, RefusesWhatIsTooMuch) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::promise<void> started;
  std::atomic<int> done = 0;
  {
    QueryPool pool({.threads = 1, .max_waiting = 2});
    ASSERT_TRUE(pool.Run("users/ann",
                         [&] {
                           started.set_value();
                           released.wait();
                           ++done;
                         })
                    .ok());
    started.get_future().wait();
    EXPECT_TRUE(pool.Run("users/ann", [&] { ++done; }).ok());
    EXPECT_TRUE(pool.Run("users/ann", [&] { ++done; }).ok());
    const absl::Status status = pool.Run("users/ann", [&] { done = 100; });
    EXPECT_TRUE(absl::IsResourceExhausted(status));
    release.set_value();
  }
  // The end of the pool waits for what it took.
  EXPECT_EQ(done, 3);
}

TEST(QueryPool, OneCallerDoesNotTakeAllPlaces) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::promise<void> started;
  std::atomic<int> done = 0;
  QueryPool pool({.threads = 1, .max_waiting = 8, .max_waiting_per_caller = 2});
  ASSERT_TRUE(pool.Run("users/ann",
                       [&] {
                         started.set_value();
                         released.wait();
                       })
                  .ok());
  started.get_future().wait();
  EXPECT_TRUE(pool.Run("users/ann", [&] { ++done; }).ok());
  EXPECT_TRUE(pool.Run("users/ann", [&] { ++done; }).ok());
  const absl::Status status = pool.Run("users/ann", [&] { done = 100; });
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(pool.Run("users/bob", [&] { ++done; }).ok());
  release.set_value();
  pool.Stop();
  EXPECT_EQ(done, 3);
}

TEST(QueryPool, TakesNothingOnceItIsStopped) {
  QueryPool pool({});
  pool.Stop();
  const absl::Status status = pool.Run("users/ann", [] { FAIL(); });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

}  // namespace
}  // namespace ephemera::controller
