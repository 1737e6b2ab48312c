#ifndef EPHEMERA_CLI_SUGGESTION_H_
#define EPHEMERA_CLI_SUGGESTION_H_

#include <string>
#include <vector>

namespace ephemera::cli {

// Those of `known` that `typed` is likely meant to be, the nearest first, three
// at most: it is the beginning of them, or up to a third of it is mistyped.
std::vector<std::string> NearNames(const std::string& typed,
                                   const std::vector<std::string>& known);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_SUGGESTION_H_
