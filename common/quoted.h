#ifndef EPHEMERA_COMMON_QUOTED_H_
#define EPHEMERA_COMMON_QUOTED_H_

#include <string>

#include "absl/strings/string_view.h"

namespace ephemera {

// Text from elsewhere as a message shows it: in quotes, what is not printable
// ASCII escaped as in C, cut to 80 bytes.
std::string Quoted(absl::string_view text);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_QUOTED_H_
