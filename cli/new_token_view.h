#ifndef EPHEMERA_CLI_NEW_TOKEN_VIEW_H_
#define EPHEMERA_CLI_NEW_TOKEN_VIEW_H_

#include <ostream>

#include "absl/time/time.h"
#include "ephemera/v1/token_service.pb.h"

namespace ephemera::cli {

// Prints a new token and the command that uses it, ready to be pasted where the
// new agent or person is. The command takes the token from its standard input:
// an argument would be seen in `ps`.
void PrintNewToken(const v1::NewToken& token, absl::TimeZone zone,
                   std::ostream& out);
// A header and one row; the addresses are separated by blanks.
void WriteNewTokenCsv(const v1::NewToken& token, std::ostream& out);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_NEW_TOKEN_VIEW_H_
