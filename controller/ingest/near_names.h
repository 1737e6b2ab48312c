#ifndef EPHEMERA_CONTROLLER_INGEST_NEAR_NAMES_H_
#define EPHEMERA_CONTROLLER_INGEST_NEAR_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ephemera::controller {

// Insertions, deletions and replacements that turn `a` into `b`.
int EditDistance(absl::string_view a, absl::string_view b);

// Up to three of `names` that `name` may be a slip of, nearest first, then by
// name: one edit away, and one more for each four characters, or one of the two
// begins with the other.
std::vector<std::string> NearNames(absl::string_view name,
                                   const std::vector<std::string>& names);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_NEAR_NAMES_H_
