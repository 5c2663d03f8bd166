// The command line and the configuration file: reading them, and printing what they gave.
//
// Every option is one row of a table (table.h, options.cpp). The parser, --help, --print-config and the tests that
// compare the manual with the program all go through it, and the sample file is printed from it.
//
//   file    = *( [ line ] [ CR ] LF )
//   line    = name "=" value, blanks around each of them left out
//   comment = "#" and the rest of the line, where "#" begins the line or stands behind a blank
#ifndef MSGID_CONFIG_OPTIONS_H
#define MSGID_CONFIG_OPTIONS_H

#include <iosfwd>
#include <string>
#include <vector>

#include "config/settings.h"

namespace config {

/// Where the file is looked for without --config. It need not exist.
inline constexpr const char* default_file = "/etc/msgid-milter/msgid-milter.conf";

enum class Command { serve, check_config, print_config, help, version };

/// Where a value comes from: "command line", or "/path/file:12".
struct Origin {
  std::string option;
  std::string text;
};

struct Loaded {
  Command command = Command::serve;
  Settings settings;
  /// Of every value that was given, in the order they were read; the other options have their default. A list
  /// has one for each of its values.
  std::vector<Origin> origins;
  std::vector<ReadFile> files = {};  ///< that were read: first the configuration, where there is one, then the lists
};

/// Reads the command line (without the program's name) and the file it names, or `file_without_config` where that
/// exists; checks each value and how they go together. A value on the command line replaces the file's, which is
/// then not looked at; so does a list. /dev/null is no file. For help and version nothing else is read. The default
/// socket is looked for below `root`. Throws StartupError.
Loaded load(const std::vector<std::string>& arguments, const std::string& file_without_config = default_file,
            const std::string& root = {});

/// Compares files that were read for one configuration, and the same files as they were read for the next. Returns a
/// line about the first that seems to have lost something: the configuration is missing or has no option any more, or a
/// file has become blank or has lost the line end after its last line. Returns nothing where all seem whole. What was
/// like that before is no loss.
std::string loss_between(const std::vector<ReadFile>& before, const std::vector<ReadFile>& now);

/// The names of the options that a reload puts into effect and that differ in `read` from `running`, which was read
/// from `files`; an option whose list file has another text is one of them.
std::vector<std::string> changes_by_reload(const Settings& running, const std::vector<ReadFile>& files,
                                           const Loaded& read);

/// The names of the options that a reload does not take and whose value is another in `read` than in `running`.
std::vector<std::string> changes_for_restart(const Loaded& running, const Loaded& read);

/// The part of a configuration that decides what is found and what would be edited, for msgid-audit: what the daemon's
/// own `file` says (empty: no file; then the defaults, but with `exchange = report`), and in its place what `arguments`
/// say, each "--OPTION=VALUE". Options of the service are passed over in the file without a look at their values, for
/// their user, group or directory need not be on this machine; in the arguments they are refused. Throws StartupError.
msgid::Policy load_policy(const std::vector<std::string>& arguments, const std::string& file);

/// The names of the options that load_policy() takes.
std::vector<std::string> policy_option_names();

/// Whether the option has a value that was given, not its default alone.
bool is_given(const Loaded& loaded, std::string_view option);

/// "origin: option: reason", in printable ASCII, with the origin of the option's last value.
std::string line_about(const Loaded& loaded, std::string_view option, const std::string& reason);

/// The names of all options, in the order of --help, those of the command line only among them.
std::vector<std::string> option_names();

void print_help(std::ostream& out);

/// The effective configuration, in the file's own syntax, each line with its origin behind "#". An option that
/// has no value is a comment.
void print_config(std::ostream& out, const Loaded& loaded);

/// The file that is installed: every option as a comment, with its default, or an example where it has none.
void print_sample(std::ostream& out);

}  // namespace config

#endif
