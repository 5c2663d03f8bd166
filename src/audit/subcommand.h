// The subcommands of msgid-audit, and what they share. Each reads its own arguments (without the program's and the
// subcommand's name), writes to standard output, and returns the exit status.
#ifndef MSGID_AUDIT_SUBCOMMAND_H
#define MSGID_AUDIT_SUBCOMMAND_H

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace audit {

/// Trouble that ends the program: complain(what()), exit status 2.
struct Trouble : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// "msgid-audit: what" on standard error, on one line whatever is in it.
void complain(std::string_view what);

/// 0 nothing found, 1 findings, 2 trouble.
int check(const std::vector<std::string>& arguments);

// 0 or 2.
int fix(const std::vector<std::string>& arguments);
int explain(const std::vector<std::string>& arguments);
int report(const std::vector<std::string>& arguments);

}  // namespace audit

#endif
