#include "cli/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace ephemera::cli {
namespace {

constexpr size_t kBetween = 2;

const std::string& TextOf(const Cell& cell, bool shortened) {
  return shortened && !cell.short_text.empty() ? cell.short_text : cell.text;
}

const std::string& TitleOf(const Column& column, bool shortened) {
  return shortened && !column.short_title.empty() ? column.short_title
                                                  : column.title;
}

}  // namespace

void Table::AddRow(std::vector<Cell> cells) {
  for (Cell& cell : cells) {
    cell.text = EscapeText(cell.text);
    cell.short_text = EscapeText(cell.short_text);
  }
  rows_.push_back({.cells = std::move(cells), .note = ""});
}

void Table::AddNote(const std::string& note) {
  rows_.push_back({.cells = {}, .note = EscapeText(note)});
}

size_t Table::Layout::Total() const {
  size_t total = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    if (shown[i]) total += widths[i] + (total > 0 ? kBetween : 0);
  }
  return total;
}

void Table::Measure(Layout& layout) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = DisplayWidth(TitleOf(columns_[i], layout.shortened[i]));
    for (const Row& row : rows_) {
      if (!row.note.empty()) continue;
      width = std::max(width,
                       DisplayWidth(TextOf(row.cells[i], layout.shortened[i])));
    }
    layout.widths[i] = width;
  }
}

Table::Layout Table::Fit(size_t width) const {
  const size_t count = columns_.size();
  Layout layout{.widths = std::vector<size_t>(count),
                .shown = std::vector<bool>(count, true),
                .shortened = std::vector<bool>(count, false)};
  Measure(layout);
  if (width == 0) return layout;
  int last_rank = 0;
  for (const Column& column : columns_) {
    last_rank = std::max({last_rank, column.shorten_rank, column.drop_rank});
  }
  for (int rank = 1; rank <= last_rank; ++rank) {
    if (rank > kCutRank) Cut(width, layout);
    if (layout.Total() <= width) return layout;
    for (size_t i = 0; i < count; ++i) {
      if (columns_[i].shorten_rank == rank) layout.shortened[i] = true;
      if (columns_[i].drop_rank == rank) layout.shown[i] = false;
    }
    Measure(layout);
  }
  Cut(width, layout);
  return layout;
}

void Table::Cut(size_t width, Layout& layout) const {
  const size_t count = columns_.size();
  while (layout.Total() > width) {
    size_t widest = count;
    for (size_t i = 0; i < count; ++i) {
      const bool can_give = layout.shown[i] && columns_[i].min_width > 0 &&
                            layout.widths[i] > columns_[i].min_width;
      if (can_give &&
          (widest == count || layout.widths[i] > layout.widths[widest])) {
        widest = i;
      }
    }
    if (widest == count) return;
    --layout.widths[widest];
  }
}

std::vector<std::string> Table::Render(const TextStyle& style) const {
  const size_t bound = style.width > 0 ? static_cast<size_t>(style.width) : 0;
  const Layout layout = Fit(bound);
  std::vector<std::string> lines;

  // Cells one by one, so that colours do not count as width.
  const auto add_line = [&](auto text_of, auto color_of, auto keep_end_of) {
    std::string line;
    size_t used = 0;
    size_t pending = 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!layout.shown[i]) continue;
      std::string text =
          Truncate(text_of(i), layout.widths[i], style.utf8, keep_end_of(i));
      const size_t padding = layout.widths[i] - DisplayWidth(text);
      if (columns_[i].align == Align::kRight) pending += padding;
      if (!text.empty()) {
        // A window narrower than the narrowest table: cut, never wrap.
        if (bound > 0 && used + pending >= bound) break;
        if (bound > 0) {
          text = Truncate(text, bound - used - pending, style.utf8);
        }
        line.append(pending, ' ');
        used += pending + DisplayWidth(text);
        absl::StrAppend(&line, style.color ? Colored(text, color_of(i)) : text);
        pending = 0;
      }
      if (columns_[i].align == Align::kLeft) pending += padding;
      pending += kBetween;
    }
    lines.push_back(std::move(line));
  };

  add_line(
      [&](size_t i) -> const std::string& {
        return TitleOf(columns_[i], layout.shortened[i]);
      },
      [](size_t) { return Color::kBold; }, [](size_t) { return size_t{0}; });
  for (const Row& row : rows_) {
    if (!row.note.empty()) {
      const std::string note =
          bound > 0 ? Truncate(row.note, bound, style.utf8) : row.note;
      lines.push_back(style.color ? Colored(note, Color::kDim) : note);
      continue;
    }
    add_line(
        [&](size_t i) -> const std::string& {
          return TextOf(row.cells[i], layout.shortened[i]);
        },
        [&](size_t i) { return row.cells[i].color; },
        [&](size_t i) { return row.cells[i].keep_end; });
  }
  return lines;
}

}  // namespace ephemera::cli
