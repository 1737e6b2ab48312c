#include "controller/init_command.h"

#include "absl/strings/str_join.h"
#include "controller/identity/initialise.h"

namespace ephemera::controller {

int RunInit(const InitOptions& options, absl::Time now, std::ostream& out,
            std::ostream& err) {
  const absl::StatusOr<InitialiseResult> result =
      Initialise(options.data_dir, options.hosts, now, options.lifetimes);
  if (!result.ok()) {
    err << "ephemera-controller: " << result.status().message() << std::endl;
    return 1;
  }
  out << (result->made_ca ? "Made a CA and a server certificate in "
                          : "Kept the CA; made a new server certificate in ")
      << options.data_dir << "\n"
      << "  names           " << absl::StrJoin(options.hosts, ", ") << "\n"
      << "  valid until     "
      << absl::FormatTime("%Y-%m-%d %H:%M UTC", result->not_after,
                          absl::UTCTimeZone())
      << "\n"
      << "  CA fingerprint  " << result->ca_fingerprint << "\n";
  if (result->made_ca) {
    out << "Serve the fleet with:\n"
           "  ephemera-controller --data-dir "
        << options.data_dir
        << " --listen 0.0.0.0:7400 \\\n"
           "      --listen unix:/run/ephemera/controller.sock\n"
           "then, on this host, let the first agent in with:\n"
           "  ephemera token create --agent NAME\n";
  }
  out.flush();
  return 0;
}

}  // namespace ephemera::controller
