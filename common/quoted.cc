#include "common/quoted.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace ephemera {
namespace {

constexpr size_t kQuotedLength = 80;

}  // namespace

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::CEscape(text.substr(0, kQuotedLength)),
                      text.size() > kQuotedLength ? "...'" : "'");
}

}  // namespace ephemera
