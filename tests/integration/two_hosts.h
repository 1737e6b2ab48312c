#ifndef EPHEMERA_TESTS_INTEGRATION_TWO_HOSTS_H_
#define EPHEMERA_TESTS_INTEGRATION_TWO_HOSTS_H_

#include <signal.h>

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fleet.h"
#include "tests/support/net_namespace.h"
#include "tests/support/process.h"

namespace ephemera {

// Two hosts, namespaces joined by a wire, and a fleet of programs on them: the
// controller on b, agents that enrol and speak TLS with it. Skips where there
// can be no namespaces.
class TwoHosts : public testing::Test {
 protected:
  // How agents reach the controller.
  enum class Transport { kTls, kUnixSocket };

  explicit TwoHosts(Transport transport = Transport::kTls)
      : transport_(transport) {}

  static constexpr char kA[] = "10.77.0.1";
  static constexpr char kB[] = "10.77.0.2";

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
    if (transport_ == Transport::kUnixSocket) return;
    const absl::Status tls = fleet_.ServeTls(*b_, kB);
    ASSERT_TRUE(tls.ok()) << tls;
  }

  // Ends a program with SIGTERM and expects it to exit with 0: that is when a
  // sanitizer speaks up.
  static void StopCleanly(Process& process) {
    process.Signal(SIGTERM);
    const absl::StatusOr<int> exit_code = process.Wait(kPatience);
    EXPECT_TRUE(exit_code.ok() && *exit_code == 0)
        << exit_code.value_or(-1) << ": " << process.err();
  }

  const Transport transport_;
  std::optional<NetNamespace> a_;
  std::optional<NetNamespace> b_;
  Fleet fleet_;
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_TWO_HOSTS_H_
