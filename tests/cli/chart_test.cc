#include "cli/chart.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

// 2027-01-15 08:00 UTC.
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

Chart Ramp() {
  Chart chart;
  chart.title = "ports used";
  chart.start = kStart;
  chart.step = absl::Minutes(1);
  for (int i = 0; i < 33; ++i) chart.columns.push_back({.value = i * 32.0});
  chart.marks = {{500, "knee 500"}, {1000, "capacity 1,000"}};
  chart.yellow_from = 500;
  chart.red_from = 900;
  return chart;
}

std::string Render(const Chart& chart, int height, const TextStyle& style) {
  return absl::StrJoin(RenderChart(chart, height, absl::UTCTimeZone(), style),
                       "\n");
}

TEST(Chart, DrawsColumnsInEighths) {
  EXPECT_EQ(Render(Ramp(), 11, {.width = 40, .utf8 = true}),
            "ports used\n"
            " 1.5k ┤\n"
            "      │\n"
            "   1k ┤╌╌ capacity 1,000 ╌╌╌╌╌╌╌╌╌╌╌╌▁▂▄\n"
            "      │                        ▁▂▃▅▆████\n"
            "      │                  ▁▂▃▅▆▇█████████\n"
            "  500 ┤╌╌ knee 500 ╌▂▃▄▆▇███████████████\n"
            "      │       ▂▃▄▆▇█████████████████████\n"
            "      │ ▁▃▄▅▇███████████████████████████\n"
            "      └┬─────────┬─────────┬─────────┬──\n"
            "       08:00     08:10     08:20");
}

TEST(Chart, FallsBackToAscii) {
  const std::string text = Render(Ramp(), 11, {.width = 40});
  for (const char c : text) EXPECT_GE(c, '\n');
  EXPECT_THAT(text, HasSubstr("   1k +-- capacity 1,000 ---"));
  EXPECT_THAT(text, HasSubstr("  500 +"));
}

TEST(Chart, ShowsMissingDataAsMissing) {
  Chart chart;
  chart.title = "closes";
  chart.start = kStart;
  chart.columns = {{.value = 8.0},  {},
                   {.value = 0.0},  {},
                   {.value = 0.01}, {.value = 8.0, .carried = true}};
  EXPECT_EQ(
      Render(chart, 7, {.width = 80, .utf8 = true}),
      "closes\n"
      "   10 ┤▃    ░\n"
      "      │█    ░\n"
      "      │█· ·▁░\n"
      "      └┬─────\n"
      "       08:00:00\n"
      "       · no data   ░ between two readings, the earlier one's value");
}

TEST(Chart, KeepsWithinTheWindow) {
  for (const int width : {20, 40, 80, 160}) {
    Chart chart = Ramp();
    chart.columns.resize(static_cast<size_t>(ChartColumns(width)),
                         {.value = 1e9});
    const auto lines = RenderChart(chart, 20, absl::UTCTimeZone(),
                                   {.width = width, .utf8 = true});
    EXPECT_THAT(lines, SizeIs(20));
    for (const std::string& line : lines) {
      EXPECT_LE(DisplayWidth(line), static_cast<size_t>(width)) << line;
    }
  }
}

TEST(Chart, ScalesToTheDataWhereTheCapacityIsFar) {
  Chart chart = Ramp();
  chart.columns.assign(30, {.value = 40.0});
  const std::string text = Render(chart, 12, {.width = 80, .utf8 = true});
  EXPECT_THAT(text, HasSubstr("   40 ┤██"));
  EXPECT_THAT(text, Not(HasSubstr("capacity")));
}

TEST(Chart, ColoursWhatIsPastTheKnee) {
  const auto lines = RenderChart(Ramp(), 11, absl::UTCTimeZone(),
                                 {.width = 40, .utf8 = true, .color = true});
  EXPECT_THAT(lines[8], HasSubstr("\x1b[33m█"));
  EXPECT_THAT(lines[8], HasSubstr("\x1b[31m█"));
}

TEST(Chart, TakesAnyValue) {
  Chart chart;
  chart.title = "anything";
  chart.start = kStart;
  for (const double value : {std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::denorm_min(), -1.0}) {
    chart.columns = {{.value = value}};
    EXPECT_THAT(RenderChart(chart, 8, absl::UTCTimeZone(), {.width = 80}),
                SizeIs(8));
  }
}

TEST(Chart, DrawsWithoutAnyData) {
  Chart chart;
  chart.title = "nothing";
  chart.start = kStart;
  chart.columns.resize(10);
  EXPECT_THAT(RenderChart(chart, 7, absl::UTCTimeZone(), {.width = 80}),
              SizeIs(7));
  chart.columns.clear();
  EXPECT_THAT(RenderChart(chart, 7, absl::UTCTimeZone(), {.width = 80}),
              Each(Not(HasSubstr("?"))));
}

TEST(Chart, LabelsDaysWhereTheRangeIsLong) {
  Chart chart = Ramp();
  chart.step = absl::Hours(6);
  EXPECT_THAT(Render(chart, 10, {.width = 80}), HasSubstr("01-18"));
}

TEST(Chart, TicksAreRoundInTheReadersZone) {
  const std::string text = absl::StrJoin(
      RenderChart(Ramp(), 11, absl::FixedTimeZone(5 * 3600 + 30 * 60),
                  {.width = 40}),
      "\n");
  EXPECT_THAT(text, HasSubstr("13:30"));
  EXPECT_THAT(text, HasSubstr("13:40"));
}

}  // namespace
}  // namespace ephemera::cli
