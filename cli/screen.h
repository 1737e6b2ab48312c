#ifndef EPHEMERA_CLI_SCREEN_H_
#define EPHEMERA_CLI_SCREEN_H_

#include <ostream>
#include <string>
#include <vector>

namespace ephemera::cli {

// Draws frames in place on the terminal's alternate screen, which it enters
// when made and leaves when destroyed, so that what the user had on the screen
// comes back however the command ends. For one thread; `out` outlives it.
class Screen {
 public:
  explicit Screen(std::ostream& out);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Replaces the frame in one write and without clearing first, so that nothing
  // flickers. REQUIRES: the lines fit the window.
  void Draw(const std::vector<std::string>& lines);

 private:
  std::ostream& out_;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_SCREEN_H_
