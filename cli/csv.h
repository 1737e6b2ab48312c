#ifndef EPHEMERA_CLI_CSV_H_
#define EPHEMERA_CLI_CSV_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ephemera::cli {

// Writes rows of comma-separated values (RFC 4180, but lines end with a bare
// LF, as Unix tools expect). Numbers are plain, times are ISO 8601 in UTC, an
// unknown value is an empty field. For one thread; `out` outlives it.
class CsvWriter {
 public:
  explicit CsvWriter(std::ostream& out) : out_(out) {}

  // Control characters are escaped; a text that a spreadsheet would take for a
  // formula gets a ' in front, since texts come from other hosts. Quoted where
  // a
  // ',' or a ';' is in it, which some locales separate fields with.
  CsvWriter& Text(absl::string_view text);
  CsvWriter& Number(uint64_t value);
  CsvWriter& Number(double value);
  CsvWriter& Bool(bool value);
  CsvWriter& Time(absl::Time time);
  CsvWriter& Empty();
  void EndRow();

 private:
  void Field(absl::string_view raw);

  std::ostream& out_;
  bool at_start_ = true;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_CSV_H_
