#ifndef EPHEMERA_CONTROLLER_STORE_DATA_DIRECTORY_H_
#define EPHEMERA_CONTROLLER_STORE_DATA_DIRECTORY_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/unique_fd.h"

namespace ephemera::controller {

// The directory that holds the database, locked against a second controller for
// as long as the object lives. The kernel drops the lock when the process ends,
// however it ends.
class DataDirectory {
 public:
  // Creates the directory (mode 0700) where it is missing. FAILED_PRECONDITION,
  // with the process that has it, where another controller uses it;
  // UNAVAILABLE where it cannot be made or opened.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(
      const std::string& path);
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string DatabasePath() const { return path_ + "/ephemera.db"; }

 private:
  DataDirectory(std::string path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::string path_;
  const UniqueFd lock_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_DATA_DIRECTORY_H_
