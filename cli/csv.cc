#include "cli/csv.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "cli/text.h"

namespace ephemera::cli {

void CsvWriter::Field(absl::string_view raw) {
  if (!at_start_) out_ << ',';
  at_start_ = false;
  out_ << raw;
}

CsvWriter& CsvWriter::Text(absl::string_view text) {
  std::string field = EscapeText(text);
  constexpr absl::string_view kFormulaStarts = "=+-@";
  if (!field.empty() && absl::StrContains(kFormulaStarts, field[0])) {
    field.insert(field.begin(), '\'');
  }
  if (field.find_first_of(",;\"") != std::string::npos) {
    field =
        absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
  }
  Field(field);
  return *this;
}

CsvWriter& CsvWriter::Number(uint64_t value) {
  Field(absl::StrCat(value));
  return *this;
}

CsvWriter& CsvWriter::Number(double value) {
  if (!std::isfinite(value)) return Empty();
  Field(absl::StrFormat("%.10g", value));
  return *this;
}

CsvWriter& CsvWriter::Bool(bool value) {
  Field(value ? "true" : "false");
  return *this;
}

CsvWriter& CsvWriter::Time(absl::Time time) {
  Field(FormatIsoTime(time));
  return *this;
}

CsvWriter& CsvWriter::Empty() {
  Field("");
  return *this;
}

void CsvWriter::EndRow() {
  out_ << '\n';
  at_start_ = true;
}

}  // namespace ephemera::cli
