#include "cli/table.h"

#include <string>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

Table Example() {
  Table table({{.title = "NAME", .min_width = 4},
               {.title = "WHERE", .shorten_rank = 2},
               {.title = "COUNT", .align = Align::kRight},
               {.title = "NOTE", .drop_rank = 1}});
  table.AddRow({{"alpha"}, {"room 1, floor 2", "1/2"}, {"28,232"}, {"hot"}});
  table.AddRow({{"beta-with-a-name"}, {"room 3", "3"}, {"7"}, {""}});
  return table;
}

std::string Render(const Table& table, int width) {
  return absl::StrJoin(table.Render({.width = width, .utf8 = true}), "\n");
}

TEST(Table, AlignsAndStripsTrailingBlanks) {
  EXPECT_EQ(Render(Example(), 0),
            "NAME              WHERE             COUNT  NOTE\n"
            "alpha             room 1, floor 2  28,232  hot\n"
            "beta-with-a-name  room 3                7");
}

TEST(Table, CutsBeforeTheLastRanks) {
  Table table({{.title = "NAME", .min_width = 4},
               {.title = "COUNT", .drop_rank = kCutRank + 1}});
  table.AddRow({{"a-long-name", "", Color::kNone, 2}, {"28,232"}});
  EXPECT_EQ(Render(table, 14), "NAME    COUNT\na-l…me  28,232");
  EXPECT_EQ(Render(table, 11), "NAME\na-long-name");
}

TEST(Table, ShortensTitlesWithTheirCells) {
  Table table(
      {{.title = "FILL PERCENT", .short_title = "%", .shorten_rank = 1}});
  table.AddRow({{"29.0"}});
  EXPECT_EQ(Render(table, 12), "FILL PERCENT\n29.0");
  EXPECT_EQ(Render(table, 11), "%\n29.0");
}

TEST(Table, GivesWayInTheOrderOfRanks) {
  EXPECT_EQ(Render(Example(), 46),
            "NAME              WHERE             COUNT\n"
            "alpha             room 1, floor 2  28,232\n"
            "beta-with-a-name  room 3                7");
  EXPECT_EQ(Render(Example(), 40),
            "NAME              WHERE   COUNT\n"
            "alpha             1/2    28,232\n"
            "beta-with-a-name  3           7");
  EXPECT_EQ(Render(Example(), 24),
            "NAME       WHERE   COUNT\n"
            "alpha      1/2    28,232\n"
            "beta-wit…  3           7");
}

TEST(Table, NeverWrapsHoweverNarrow) {
  for (int width = 1; width < 60; ++width) {
    for (const std::string& line :
         Example().Render({.width = width, .utf8 = true})) {
      EXPECT_LE(DisplayWidth(line), static_cast<size_t>(width)) << line;
    }
  }
}

TEST(Table, ColoursCellsWithoutMovingThem) {
  Table table({{.title = "A"}, {.title = "B", .align = Align::kRight}});
  table.AddRow({{"x"}, {"9", Color::kRed}});
  table.AddRow({{"yy"}, {"100"}});
  table.AddNote("note");
  EXPECT_EQ(absl::StrJoin(table.Render({.color = true}), "\n"),
            "\x1b[1mA\x1b[0m     \x1b[1mB\x1b[0m\n"
            "x     \x1b[31m9\x1b[0m\n"
            "yy  100\n"
            "\x1b[2mnote\x1b[0m");
}

TEST(Table, EscapesText) {
  Table table({{.title = "A"}});
  table.AddRow({{"\x1b[2J"}});
  EXPECT_EQ(Render(table, 0), "A\n\\x1b[2J");
}

}  // namespace
}  // namespace ephemera::cli
