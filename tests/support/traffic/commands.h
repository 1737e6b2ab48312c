#ifndef EPHEMERA_TESTS_SUPPORT_TRAFFIC_COMMANDS_H_
#define EPHEMERA_TESTS_SUPPORT_TRAFFIC_COMMANDS_H_

namespace ephemera::traffic {

// The program ephemera-traffic; flags as `--help` says.
//
//   server  prints "listening on IP:PORT" for each address, then serves until
//           SIGTERM or SIGINT;
//   client  carries out a Plan and writes its Report.
//
// Returns the exit code: 0, also where requests failed (the report says which);
// 1 with a line on standard error; another one on bad flags.
int RunTraffic(int argc, char** argv);

}  // namespace ephemera::traffic

#endif  // EPHEMERA_TESTS_SUPPORT_TRAFFIC_COMMANDS_H_
