#ifndef EPHEMERA_TESTS_INTEGRATION_TWO_HOSTS_H_
#define EPHEMERA_TESTS_INTEGRATION_TWO_HOSTS_H_

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fleet.h"
#include "tests/support/net_namespace.h"

namespace ephemera {

// Two hosts, namespaces joined by a wire, and a fleet of programs on them.
// Skips where there can be no namespaces.
class TwoHosts : public testing::Test {
 protected:
  static constexpr char kA[] = "10.77.0.1";
  static constexpr char kB[] = "10.77.0.2";
  // Long enough for a busy machine and a sanitizer; nothing waits for it to
  // pass.
  static constexpr absl::Duration kPatience = absl::Seconds(30);

  void SetUp() override {
    if (const std::string missing = NamespacesMissing(); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    absl::StatusOr<NetNamespace> a = NetNamespace::Create();
    absl::StatusOr<NetNamespace> b = NetNamespace::Create();
    ASSERT_TRUE(a.ok() && b.ok()) << a.status() << b.status();
    a_ = *std::move(a);
    b_ = *std::move(b);
    const absl::Status joined = Join(*a_, "10.77.0.1/24", *b_, "10.77.0.2/24");
    ASSERT_TRUE(joined.ok()) << joined;
  }

  std::optional<NetNamespace> a_;
  std::optional<NetNamespace> b_;
  Fleet fleet_;
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_TWO_HOSTS_H_
