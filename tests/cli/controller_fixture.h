#ifndef EPHEMERA_TESTS_CLI_CONTROLLER_FIXTURE_H_
#define EPHEMERA_TESTS_CLI_CONTROLLER_FIXTURE_H_

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/exit_code.h"
#include "common/clock.h"
#include "controller/controller.h"
#include "controller/identity/initialise.h"
#include "controller/store/sqlite_database.h"
#include "gtest/gtest.h"
#include "tests/cli/cli_test_fixture.h"

namespace ephemera::cli {

// Runs the whole CLI against a whole controller, which serves a unix socket and
// TLS on loopback; the CLI finds the socket by its environment.
class ControllerCliTest : public CliTest {
 protected:
  void SetUp() override {
    const auto made =
        controller::Initialise(data_dir(), {"localhost"}, absl::Now(), {});
    ASSERT_TRUE(made.ok()) << made.status();
    fingerprint_ = made->ca_fingerprint;
    StartReal();
    environment["EPHEMERA_CONTROLLER"] = socket();
    environment["XDG_CONFIG_HOME"] = directory() + "/config";
  }

  std::string data_dir() const { return directory() + "/data"; }
  std::string socket() const { return "unix:" + directory() + "/real"; }
  const std::string& fingerprint() const { return fingerprint_; }
  // "localhost:PORT".
  std::string tls_address() const {
    const std::string& address = real_->addresses()[1];
    return "localhost" + address.substr(address.rfind(':'));
  }

  void StartReal() {
    controller::ControllerOptions options;
    options.data_dir = data_dir();
    options.listen = {socket(), "127.0.0.1:0"};
    auto started = controller::Controller::Create(options, clock_);
    ASSERT_TRUE(started.ok()) << started.status();
    real_ = *std::move(started);
  }
  void StopReal() { real_.reset(); }

  // Changes the database behind the controller's back.
  void Tamper(const std::string& sql) {
    StopReal();
    {
      auto database = controller::SqliteDatabase::Open(
          data_dir() + "/ephemera.db",
          controller::SqliteDatabase::Access::kReadWrite);
      ASSERT_TRUE(database.ok()) << database.status();
      const absl::Status status = (*database)->Execute(sql);
      ASSERT_TRUE(status.ok()) << status;
    }
    StartReal();
  }

  // A secret from `token create ARGUMENTS -o json`.
  std::string Token(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"token", "create"});
    arguments.insert(arguments.end(), {"-o", "json"});
    const CliResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitOk) << result.err;
    constexpr char kKey[] = "\"secret\": \"";
    const size_t begin = result.out.find(kKey) + sizeof kKey - 1;
    return result.out.substr(begin, result.out.find('"', begin) - begin);
  }

  // Writes `text` to a file and returns its path.
  std::string File(const std::string& name, const std::string& text) const {
    std::string path = directory() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

 private:
  SystemClock clock_;
  std::string fingerprint_;
  std::unique_ptr<controller::Controller> real_;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_TESTS_CLI_CONTROLLER_FIXTURE_H_
