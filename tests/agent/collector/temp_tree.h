#ifndef EPHEMERA_TESTS_AGENT_COLLECTOR_TEMP_TREE_H_
#define EPHEMERA_TESTS_AGENT_COLLECTOR_TEMP_TREE_H_

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/support/temp_dir.h"

namespace ephemera::agent {

// A root directory of its own for one test, removed with the object.
class TempTree {
 public:
  const std::string& root() const { return directory_.path(); }

  std::filesystem::path Path(absl::string_view name) const {
    return std::filesystem::path(root()) / std::string(name);
  }

  void Write(absl::string_view name, absl::string_view text) const {
    const std::filesystem::path path = Path(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

 private:
  TempDir directory_;
};

// The checked-in trees; tests run in the top directory of the project.
inline constexpr char kModernTree[] = "tests/agent/collector/testdata/modern";
inline constexpr char kOldTree[] = "tests/agent/collector/testdata/old";

}  // namespace ephemera::agent

#endif  // EPHEMERA_TESTS_AGENT_COLLECTOR_TEMP_TREE_H_
