// The command line of a subcommand: its own options, those of the policy, and the files it names.
//
//   const Usage usage = {"fix", "[FILE | -]", "Writes ...", {{"output,o", "FILE", "write there"}}, true};
//   const Arguments arguments(usage, words);
//   if (arguments.is_help()) return print_help(usage);
//
// "-" is a name like any other, "--" ends the options, and names of options are not abbreviated.
#ifndef MSGID_AUDIT_ARGUMENTS_H
#define MSGID_AUDIT_ARGUMENTS_H

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"

namespace audit {

struct OptionRow {
  std::string name;   ///< "format", or with a letter "output,o"
  std::string value;  ///< what stands for the value in the help; empty: the option takes none
  std::string help;
};

struct Usage {
  std::string subcommand;
  std::string names;    ///< what may stand beside the options: "[FILE | DIR | -]..."; empty: nothing
  std::string summary;  ///< what it does, a few lines, for the help
  std::vector<OptionRow> options;
  bool has_policy = true;  ///< takes --config and the options of config::policy_option_names()
};

class Arguments {
 public:
  /// `words`: the command line behind the subcommand. Throws Trouble.
  Arguments(const Usage& usage, const std::vector<std::string>& words);

  bool is_help() const { return is_help_; }

  /// What is no option, in the order given.
  const std::vector<std::string>& names() const { return names_; }

  /// Whether an option of `usage` was given, by its long name.
  bool has(const std::string& option) const { return values_.contains(option); }

  /// Its value; empty where it was not given.
  std::string value(const std::string& option) const;

  /// Its value, which must be one of these; the first where it was not given. Throws Trouble.
  std::string choice(const std::string& option, std::initializer_list<std::string_view> allowed) const;

  /// Its value as a number in lowest..highest. Throws Trouble.
  std::size_t number(const std::string& option, std::size_t lowest, std::size_t highest, std::size_t by_default) const;

  /// What --config and the options of the policy say, see config::load_policy(). Throws config::StartupError.
  msgid::Policy policy() const;

 private:
  [[noreturn]] void fail(const std::string& option, const std::string& reason) const;

  std::string subcommand_;
  bool is_help_ = false;
  std::vector<std::string> names_;
  std::vector<std::string> policy_;  ///< "--OPTION=VALUE"
  std::string config_;
  std::map<std::string, std::string> values_;
};

/// The help of a subcommand on standard output. Returns the exit status, 0.
int print_help(const Usage& usage);

}  // namespace audit

#endif
