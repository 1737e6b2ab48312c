#ifndef EPHEMERA_TESTS_CLI_CLI_TEST_FIXTURE_H_
#define EPHEMERA_TESTS_CLI_CLI_TEST_FIXTURE_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <streambuf>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "cli/app.h"
#include "common/mutex.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_controller.h"
#include "tests/support/temp_dir.h"

namespace ephemera::cli {

struct CliResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Text that one thread writes and another waits for. Thread-safe.
class SharedText final : public std::streambuf {
 public:
  std::string Get() const {
    const MutexLock lock(mutex_);
    return text_;
  }
  // Blocks until `part` has been written `times` times. The test's own time
  // limit bounds it.
  void Await(const std::string& part, int times = 1) {
    const MutexLock lock(mutex_);
    while (Occurrences(part) < times) grown_.Wait(mutex_);
  }

 private:
  int Occurrences(const std::string& part) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    int count = 0;
    for (size_t at = text_.find(part); at != std::string::npos;
         at = text_.find(part, at + 1)) {
      ++count;
    }
    return count;
  }
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    const MutexLock lock(mutex_);
    text_.append(data, static_cast<size_t>(size));
    grown_.SignalAll();
    return size;
  }
  int overflow(int c) override {
    const char byte = static_cast<char>(c);
    xsputn(&byte, 1);
    return c;
  }

  mutable Mutex mutex_;
  CondVar grown_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

// Signals that a test sends. Send() may be called from any thread.
class FakeSignals final : public Signals {
 public:
  // Belongs to the test, since the command destroys what it was given.
  struct Shared {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Mutex mutex;
    // Called by Suspend(); the process is "stopped" until it returns.
    std::function<void()> while_stopped = [] {};
    std::vector<Event> events ABSL_GUARDED_BY(mutex);

    ~Shared() { close(fd); }
    void Send(Event event) {
      const MutexLock lock(mutex);
      events.push_back(event);
      eventfd_write(fd, 1);
    }
  };
  explicit FakeSignals(Shared& shared) : shared_(shared) {}

  int fd() const override { return shared_.fd; }
  Event Take() override {
    const MutexLock lock(shared_.mutex);
    eventfd_t count = 0;
    eventfd_read(shared_.fd, &count);
    if (shared_.events.empty()) return Event::kNone;
    const Event event = shared_.events.front();
    shared_.events.erase(shared_.events.begin());
    return event;
  }
  void Suspend() override { shared_.while_stopped(); }

 private:
  Shared& shared_;
};

// Runs the whole CLI against a fake controller in a directory of its own. The
// time is the controller's, fixed and in UTC; the CLI has none.
class CliTest : public testing::Test {
 public:
  // "2027-01-15T08:00:00Z", the controller's present.
  static constexpr int64_t kNow = 1'800'000'000;

  void StartIncident() {
    FillWithIncident(absl::FromUnixSeconds(kNow), controller);
    controller.Start();
  }

  CliResult Run(const std::vector<std::string>& arguments) {
    SharedText out;
    SharedText err;
    CliResult result;
    result.exit_code = RunInto(arguments, out, err);
    result.out = out.Get();
    result.err = err.Get();
    return result;
  }

  int RunInto(const std::vector<std::string>& arguments, SharedText& out,
              SharedText& err) {
    std::ostream out_stream(&out);
    std::ostream err_stream(&err);
    Context context{
        .out = out_stream,
        .err = err_stream,
        .zone = absl::UTCTimeZone(),
        .environment =
            [this](const std::string& name) {
              const auto found = environment.find(name);
              return found != environment.end() ? found->second : "";
            },
        .terminal = [this] { return terminal; },
        .read_secret =
            [this](const std::string& prompt) {
              prompts.push_back(prompt);
              return typed_secret;
            },
        .catch_signals = [this]() -> absl::StatusOr<std::unique_ptr<Signals>> {
          return std::make_unique<FakeSignals>(signals);
        }};
    return RunCli(arguments, context);
  }

  const std::string& directory() const { return directory_.path(); }

 private:
  const TempDir directory_;

 public:
  FakeController controller{directory() + "/s"};
  Terminal terminal;
  FakeSignals::Shared signals;
  // What is typed where a secret is asked for, and what was asked.
  absl::StatusOr<std::string> typed_secret =
      absl::InvalidArgumentError("standard input is empty");
  std::vector<std::string> prompts;
  std::map<std::string, std::string> environment = {
      {"EPHEMERA_CONTROLLER", controller.address()},
      {"XDG_CONFIG_HOME", directory() + "/config"}};
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_TESTS_CLI_CLI_TEST_FIXTURE_H_
