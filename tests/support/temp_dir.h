#ifndef EPHEMERA_TESTS_SUPPORT_TEMP_DIR_H_
#define EPHEMERA_TESTS_SUPPORT_TEMP_DIR_H_

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace ephemera {

// A new directory, removed with what it holds, in that which TMPDIR names (so
// that what starts the tests can clean up after those that are killed), else in
// /tmp. Short, since the path of a unix socket has 107 characters at most.
class TempDir {
 public:
  TempDir() : path_(Make()) {}
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  static std::string Make() {
    const char* const parent = std::getenv("TMPDIR");
    std::string path = parent != nullptr ? parent : "/tmp";
    path += "/ephemera-test-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      std::perror(path.c_str());
      std::abort();
    }
    return path;
  }

  std::string path_;
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_TEMP_DIR_H_
