// msgid-audit: what the filter would change, looked at without the filter.
#include <algorithm>
#include <array>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "audit/subcommand.h"

namespace {

struct Subcommand {
  std::string_view name;
  std::string_view help;
  int (*run)(const std::vector<std::string>& arguments);
};

constexpr std::array subcommands = {
    Subcommand{"check", "says what the filter finds in messages, and what it makes of them", audit::check},
    Subcommand{"fix", "writes a message or an mbox with the edits that the filter makes", audit::fix},
    Subcommand{"explain", "says what a bounce means, and what broke in the message it is about", audit::explain},
    Subcommand{"report", "says how much mail is affected, by what, and who writes it", audit::report},
};

constexpr int trouble_status = 2;

void print_help(std::ostream& out) {
  out << "usage: msgid-audit SUBCOMMAND [OPTION...] [ARGUMENT...]\n\n";
  for (const Subcommand& subcommand : subcommands) {
    std::string name(subcommand.name);
    name.resize(10, ' ');
    out << "  " << name << subcommand.help << '\n';
  }
  out << "\nmsgid-audit SUBCOMMAND --help prints its options. See msgid-audit(1).\n";
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) throw audit::Trouble("which subcommand? See msgid-audit --help");
  const std::string& name = words.front();
  if (name == "--help") {
    print_help(std::cout);
    return 0;
  }
  if (name == "--version") {
    std::cout << "msgid-audit " << MSGID_VERSION << '\n';
    return 0;
  }
  const auto* const row = std::find_if(subcommands.begin(), subcommands.end(),
                                       [&](const Subcommand& subcommand) { return subcommand.name == name; });
  if (row == subcommands.end()) throw audit::Trouble(name + ": no such subcommand; see msgid-audit --help");
  return row->run({words.begin() + 1, words.end()});
}

}  // namespace

int main(int argc, char** argv) {
  std::ios_base::sync_with_stdio(false);
  int status = trouble_status;
  try {
    status = run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cout.flush();
    audit::complain(error.what());
    return trouble_status;
  }
  // A pipe that nobody reads any more ends the program by SIGPIPE; where that is ignored, or the disk is full, the
  // status says that not all was written.
  if (std::cout.flush()) return status;
  audit::complain("cannot write standard output");
  return trouble_status;
}
