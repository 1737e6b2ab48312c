#ifndef EPHEMERA_TESTS_FUZZ_FUZZ_TARGET_H_
#define EPHEMERA_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

// libFuzzer calls this for each input, which it copies into a buffer of just
// that size: AddressSanitizer sees a read beyond it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace ephemera::fuzz {

inline absl::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A promise of the code under test; breaking it ends the run, and libFuzzer
// keeps the input.
inline void Require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

// A command line: `program`, then the words of `text`, which stand one a line.
class CommandLine {
 public:
  CommandLine(absl::string_view program, absl::string_view text)
      : words_{std::string(program)} {
    // argv holds no NUL, and the kernel bounds its length.
    for (const absl::string_view word :
         absl::StrSplit(text.substr(0, text.find('\0')), '\n')) {
      words_.emplace_back(word);
    }
    for (const std::string& word : words_) argv_.push_back(word.c_str());
  }

  int argc() const { return static_cast<int>(argv_.size()); }
  const char* const* argv() const { return argv_.data(); }

 private:
  std::vector<std::string> words_;
  std::vector<const char*> argv_;
};

}  // namespace ephemera::fuzz

#endif  // EPHEMERA_TESTS_FUZZ_FUZZ_TARGET_H_
