#ifndef EPHEMERA_TESTS_SUPPORT_TEMP_DIR_H_
#define EPHEMERA_TESTS_SUPPORT_TEMP_DIR_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace ephemera {

// A new directory, removed with what it holds. Short, since the path of a unix
// socket has 107 characters at most.
class TempDir {
 public:
  TempDir() : path_(mkdtemp(path_template_)) {}
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  char path_template_[32] = "/tmp/ephemera-test-XXXXXX";
  std::string path_;
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_TEMP_DIR_H_
