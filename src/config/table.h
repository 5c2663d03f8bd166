// The table of options: the inside of config.
#ifndef MSGID_CONFIG_TABLE_H
#define MSGID_CONFIG_TABLE_H

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace config {

/// One option. Its default stands in Settings: it is what `print` gives for Settings{}.
struct Option {
  std::string name{};
  std::string value{};  ///< what stands for the value in --help; empty: the option takes none
  std::string range{};  ///< "40..998", or empty
  std::string help{};
  std::string_view section{};
  bool repeatable = false;
  bool decides = false;  ///< part of the policy: msgid-audit takes it too

  /// Puts a value into the settings. Throws std::invalid_argument with the reason. Null: command line only.
  std::function<void(Settings&, const std::string&)> read{};
  /// The values as they are written in a file: none, one, or several of a repeatable option.
  std::function<std::vector<std::string>(const Settings&)> print{};
  bool reloads = true;  ///< a reload takes it; else it needs a restart
  /// Of an option of the command line that says what to do.
  std::optional<Command> command{};
  // For the sample file.
  std::string example{};  ///< a value, where there is no default
  std::string advice{};   ///< sentences to stand behind the help
};

/// "origin: option: reason", in printable ASCII.
std::string line_of(const std::string& origin, std::string_view option, const std::string& reason);

/// In the order of --help; the rows of a section stand together.
const std::vector<Option>& options();

}  // namespace config

#endif
