#ifndef EPHEMERA_CLI_TABLE_H_
#define EPHEMERA_CLI_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "cli/text.h"

namespace ephemera::cli {

enum class Align { kLeft, kRight };

// A column and how it gives way when the table is too wide. Ranks are taken in
// rising order until the table fits; 0 means never. After kCutRank, columns
// with a `min_width` are cut, the widest first: higher ranks are for windows
// where that is not enough.
inline constexpr int kCutRank = 10;
struct Column {
  std::string title;
  // Empty means the same as `title`.
  std::string short_title = {};
  Align align = Align::kLeft;
  // At this rank the title and the cells take their short texts.
  int shorten_rank = 0;
  // At this rank the column goes.
  int drop_rank = 0;
  // Not cut below this; 0 means not cut at all.
  size_t min_width = 0;
};

struct Cell {
  // Implicit, so that a row reads as a list of texts.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Cell(std::string full, Color color = Color::kNone)
      : text(std::move(full)), color(color) {}
  Cell(std::string full, std::string brief, Color color = Color::kNone,
       size_t keep_end = 0)
      : text(std::move(full)),
        short_text(std::move(brief)),
        color(color),
        keep_end(keep_end) {}

  std::string text;
  // Empty means the same as `text`.
  std::string short_text;
  Color color;
  // As of Truncate(), for the short text too.
  size_t keep_end = 0;
};

// Text in columns that fits the terminal. Owns its texts, which it escapes.
// For one thread.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: one cell per column.
  void AddRow(std::vector<Cell> cells);
  // A dim line across all columns, between the rows.
  void AddNote(const std::string& note);

  size_t rows() const { return rows_.size(); }

  // Header and rows, one string per line, no line wider than the style allows.
  std::vector<std::string> Render(const TextStyle& style) const;

 private:
  struct Row {
    std::vector<Cell> cells;
    // Instead of cells where it is not empty.
    std::string note;
  };
  struct Layout {
    std::vector<size_t> widths;
    std::vector<bool> shown;
    std::vector<bool> shortened;
    size_t Total() const;
  };

  Layout Fit(size_t width) const;
  void Cut(size_t width, Layout& layout) const;
  void Measure(Layout& layout) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_TABLE_H_
