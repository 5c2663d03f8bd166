// The program msgid-milter, but for the process around it.
#ifndef MSGID_MILTER_RUN_H
#define MSGID_MILTER_RUN_H

#include <string>
#include <vector>

namespace milter {

/// Reads the configuration and does what the command line asks for: serves until SIGTERM or SIGINT, or checks, prints,
/// helps. Returns the exit status: 0, or 70 (EX_SOFTWARE) where libmilter's listener ended by itself. Throws
/// config::StartupError.
int run(const std::vector<std::string>& arguments);

}  // namespace milter

#endif
