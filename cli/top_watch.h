#ifndef EPHEMERA_CLI_TOP_WATCH_H_
#define EPHEMERA_CLI_TOP_WATCH_H_

#include "absl/status/status.h"
#include "cli/command.h"
#include "ephemera/v1/flow_service.pb.h"

namespace ephemera::cli {

// `top --watch`: shows the stream until Signals tell to stop, which ends it
// with OK. On a terminal each answer replaces the one before; elsewhere they
// follow one another (JSON: one object per line; CSV: one header), and what an
// answer leaves out is said once on standard error. A broken stream is opened
// again, and why it broke is shown meanwhile; before the first answer, or where
// trying again cannot help, it is an error as of Connection::Explain().
absl::Status WatchTop(const v1::WatchFlowGroupsRequest& request,
                      Session& session);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_TOP_WATCH_H_
