// ephemera-traffic: HTTP traffic without keep-alive, for tests and the demo.
#include "tests/support/traffic/commands.h"

int main(int argc, char** argv) {
  return ephemera::traffic::RunTraffic(argc, argv);
}
