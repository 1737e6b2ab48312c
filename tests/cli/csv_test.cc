#include "cli/csv.h"

#include <cmath>
#include <sstream>

#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

TEST(Csv, QuotesAsRfc4180Says) {
  std::ostringstream out;
  CsvWriter(out).Text("plain").Text("a,b").Text("say \"x\"").Text("").EndRow();
  // Where the decimal sign is a comma, spreadsheets split at semicolons.
  CsvWriter(out).Text("a;b").EndRow();
  EXPECT_EQ(out.str(), "plain,\"a,b\",\"say \"\"x\"\"\",\n\"a;b\"\n");
}

TEST(Csv, WritesPlainNumbersAndIsoTimes) {
  std::ostringstream out;
  CsvWriter csv(out);
  csv.Number(uint64_t{28232}).Number(0.25).Number(1e6).Bool(true);
  csv.Time(absl::FromUnixSeconds(1'800'000'000)).Empty().EndRow();
  csv.Number(std::nan("")).Number(-1.5).EndRow();
  EXPECT_EQ(out.str(),
            "28232,0.25,1000000,true,2027-01-15T08:00:00Z,\n,-1.5\n");
}

TEST(Csv, DefusesFormulasAndControlCharacters) {
  std::ostringstream out;
  CsvWriter(out).Text("=cmd|' /C calc'!A0").Text("a\nb").Text("@x").EndRow();
  EXPECT_EQ(out.str(), "'=cmd|' /C calc'!A0,a\\x0ab,'@x\n");
}

}  // namespace
}  // namespace ephemera::cli
