#include "cli/screen.h"

#include "absl/strings/str_cat.h"

namespace ephemera::cli {
namespace {

// Control sequences of xterm, which other terminals follow: DECSET 1049 is the
// alternate screen, 25 the cursor.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l";
constexpr char kLeave[] = "\x1b[?25h\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";
constexpr char kClearLine[] = "\x1b[K";
constexpr char kClearBelow[] = "\x1b[J";

}  // namespace

Screen::Screen(std::ostream& out) : out_(out) { out_ << kEnter << std::flush; }

Screen::~Screen() { out_ << kLeave << std::flush; }

void Screen::Draw(const std::vector<std::string>& lines) {
  std::string frame = kHome;
  for (size_t i = 0; i < lines.size(); ++i) {
    // No line break after the last line: it would scroll a full window. Cleared
    // before the text: after a line that fills the window the cursor is still
    // on its last cell.
    absl::StrAppend(&frame, i > 0 ? "\r\n" : "", kClearLine, lines[i]);
  }
  absl::StrAppend(&frame, kClearBelow);
  out_ << frame << std::flush;
}

}  // namespace ephemera::cli
