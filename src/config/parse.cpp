#include <sysexits.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cerrno>
#include <initializer_list>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "config/lines.h"
#include "config/table.h"
#include "config/value.h"

namespace config {
namespace {

namespace po = boost::program_options;

constexpr std::size_t max_file_octets = 1 << 20;

constexpr const char* command_line = "command line";

/// One value as it was given.
struct Given {
  const Option* option;
  std::string value;
  std::string origin;
};

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 32 || c == 127;
}

/// What comes from the outside must not reach a terminal or a log as it is.
std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (is_control(c) || octet > 126) {
      result += {'\\', 'x', digits[octet >> 4], digits[octet & 15]};
    } else {
      result += c;
    }
  }
  return result;
}

std::string cut_short(std::string_view text) {
  constexpr std::size_t longest = 60;
  return text.size() <= longest ? std::string(text) : std::string(text.substr(0, longest)) + "...";
}

}  // namespace

int status_for(int error) noexcept {
  switch (error) {
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EBUSY:
    case ECONNREFUSED:  // a name service
    case EINTR:
    case ENETDOWN:
    case ENETUNREACH:
    case ENODEV:
    case ETIMEDOUT:
      return EX_TEMPFAIL;
    case EAGAIN:  // a thread
    case EDQUOT:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case ESTALE:
      return EX_OSERR;
    default:
      return EX_CONFIG;
  }
}

std::string line_of(const std::string& origin, std::string_view option, const std::string& reason) {
  return printable(origin + ": " + std::string(option) + ": " + reason);
}

namespace {

[[noreturn]] void fail(const std::string& origin, std::string_view option, const std::string& reason, int error = 0) {
  throw StartupError(line_of(origin, option, reason), status_for(error));
}

/// How many octets must be put in, taken out or exchanged to make one text the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({exchanged, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

[[noreturn]] void fail_unknown(const std::string& origin, std::string_view name) {
  const std::string shown = cut_short(name);
  const Option* nearest = nullptr;
  std::size_t least = 3;
  for (const Option& option : options()) {
    const std::size_t distance = edit_distance(shown, option.name);
    if (distance < least) {
      least = distance;
      nearest = &option;
    }
  }
  fail(origin, shown, nearest == nullptr ? "unknown option" : "unknown option; did you mean " + nearest->name + "?");
}

/// The same for both sources, so that every value can be printed into a file and read again.
void check_text(const Given& given) {
  const std::string& value = given.value;
  const auto refuse = [&](const std::string& reason) { fail(given.origin, given.option->name, reason); };
  if (value.find_first_not_of(blanks) == std::string::npos) refuse("a value is missing");
  if (value.size() > max_line_octets) refuse("the value is over " + std::to_string(max_line_octets) + " octets");
  if (std::any_of(value.begin(), value.end(), is_control)) refuse("the value has a control character in it");
  const bool is_trimmed =
      blanks.find(value.front()) == std::string_view::npos && blanks.find(value.back()) == std::string_view::npos;
  if (!is_trimmed) refuse("the value has a space around it");
  if (value.starts_with('#') || value.find(" #") != std::string::npos) refuse("\"#\" would begin a comment");
}

void add(std::vector<Given>& all, std::string_view name, std::string_view value, const std::string& origin) {
  const auto& table = options();
  const auto row = std::find_if(table.begin(), table.end(), [&](const Option& option) { return option.name == name; });
  if (row == table.end()) fail_unknown(origin, name);
  if (!row->repeatable) {
    for (const Given& earlier : all) {
      if (earlier.option != &*row) continue;
      fail(origin, name, origin == earlier.origin ? "given twice" : "given twice, first at " + earlier.origin);
    }
  }
  all.push_back({&*row, std::string(value), origin});
  if (!row->value.empty()) check_text(all.back());
}

/// "--name=value" without what stands around the name.
std::string bare_name(const std::string& argument) {
  const std::string name = argument.substr(std::min(argument.find_first_not_of('-'), argument.size()));
  return name.substr(0, name.find('='));
}

std::vector<Given> read_arguments(const std::vector<std::string>& arguments) {
  po::options_description known;
  for (const Option& option : options()) {
    if (option.value.empty()) {
      known.add_options()(option.name.c_str(), "");
    } else {
      known.add_options()(option.name.c_str(), po::value<std::string>(), "");
    }
  }
  std::vector<Given> all;
  try {
    using namespace po::command_line_style;
    const auto parsed = po::command_line_parser(arguments)
                            .options(known)
                            .style(allow_long | long_allow_adjacent | long_allow_next)
                            .run();
    for (const auto& option : parsed.options) {
      const std::string value = option.value.empty() ? "" : option.value.front();
      if (option.position_key >= 0) fail(command_line, cut_short(value), "not an option; write --OPTION=VALUE");
      add(all, option.string_key, value, command_line);
    }
  } catch (const po::unknown_option& error) {
    fail_unknown(command_line, bare_name(error.get_option_name()));
  } catch (const po::invalid_command_line_syntax& error) {
    fail(command_line, bare_name(error.get_option_name()),
         error.kind() == po::invalid_syntax::extra_parameter ? "takes no value" : "a value is missing");
  }
  return all;
}

// Boost's own file parser is not used: it takes "#" for a comment wherever it stands, and its errors have no line.
std::vector<Given> read_file_lines(const std::string& path, std::string_view text) {
  std::vector<Given> all;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const auto origin = [&] { return path + ":" + std::to_string(number); };
    if (line.size() > max_line_octets) {
      fail(origin(), cut_short(line), "the line is over " + std::to_string(max_line_octets) + " octets");
    }
    if (line.front() == '[') fail(origin(), cut_short(line), "there are no sections in this file");
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) fail(origin(), cut_short(line), "\"=\" is missing; write OPTION = VALUE");
    const std::string_view name = trimmed(line.substr(0, equals));
    if (name.empty()) fail(origin(), cut_short(line), "there is no option before \"=\"");
    add(all, name, trimmed(line.substr(equals + 1)), origin());
    if (!all.back().option->read) fail(origin(), name, "only on the command line");
  });
  return all;
}

/// The lines of the file at `path`, which becomes one of `files`; nothing where it is not there and need not be.
std::vector<Given> read_config(const std::string& path, bool required, std::vector<ReadFile>& files) {
  if (path == "/dev/null") return {};
  try {
    const std::string text = read_whole(path, max_file_octets);
    std::vector<Given> read = read_file_lines(path, text);
    files.push_back(described("config", path, text));
    files.back().values = read.size();
    return read;
  } catch (const FileError& error) {
    if (!required && error.is_missing()) return {};
    fail(command_line, "config", "cannot read " + path + ": " + error.what(), error.error);
  }
}

/// The option that was read last of those: in an impossible combination it is the one to blame.
[[noreturn]] void blame(const Loaded& loaded, std::initializer_list<std::string_view> names,
                        const std::string& reason) {
  const auto last = std::find_if(loaded.origins.rbegin(), loaded.origins.rend(), [&](const Origin& origin) {
    return std::find(names.begin(), names.end(), origin.option) != names.end();
  });
  if (last == loaded.origins.rend()) fail("default", *names.begin(), reason);
  fail(last->text, last->option, reason);
}

void check_together(const Loaded& loaded) {
  const auto& policy = loaded.settings.policy;
  if (policy.fold_at > policy.line_length) {
    blame(loaded, {"fold-at", "line-length"},
          "fold-at (" + std::to_string(policy.fold_at) + ") is over line-length (" +
              std::to_string(policy.line_length) + ")");
  }
  for (const msgid::ListedField& field : policy.fields) {
    const std::size_t longest_id = msgid::max_line_octets - std::min(field.name.size() + 2, msgid::max_line_octets);
    if (policy.msgid_length <= longest_id) continue;
    blame(loaded, {"msgid-length", "extra-field"},
          "an id of msgid-length (" + std::to_string(policy.msgid_length) +
              ") does not fit a line of 998 octets after \"" + field.name + ": \"; set msgid-length to at most " +
              std::to_string(longest_id));
  }
  const std::string_view domain = policy.msgid_domain.empty() ? msgid::fallback_domain : policy.msgid_domain;
  const std::size_t needed = std::string_view("<@>").size() + 36 + domain.size();  // 36: a UUID
  if (needed > policy.msgid_length) {
    blame(loaded, {"msgid-length", "msgid-domain"},
          "msgid-length (" + std::to_string(policy.msgid_length) + ") leaves no room for a shortened msg-id at " +
              std::string(domain) + " (" + std::to_string(needed) + ")");
  }
  const Endpoint& socket = loaded.settings.socket;
  for (const std::string_view name : {"socket-mode", "socket-group"}) {
    if (is_given(loaded, name) && socket.is_set() && !socket.is_unix) {
      blame(loaded, {name, "socket"},
            std::string(name) + " goes with a UNIX socket, not with " + socket.for_libmilter());
    }
  }
}

Command command_in(const std::vector<Given>& arguments) {
  const Option* chosen = nullptr;
  for (const Given& given : arguments) {
    if (!given.option->command) continue;
    if (given.option->command == Command::help || given.option->command == Command::version) {
      return *given.option->command;
    }
    if (chosen != nullptr) fail(command_line, given.option->name, "does not go with " + chosen->name);
    chosen = given.option;
  }
  return chosen == nullptr ? Command::serve : *chosen->command;
}

/// Puts the values into the settings: those of the file, but for options that the arguments have too, then theirs.
void read_values(std::vector<Given> from_file, const std::vector<Given>& from_arguments, Loaded& loaded) {
  std::erase_if(from_file, [&](const Given& of_file) {
    return std::any_of(from_arguments.begin(), from_arguments.end(),
                       [&](const Given& given) { return given.option == of_file.option; });
  });
  from_file.insert(from_file.end(), from_arguments.begin(), from_arguments.end());
  for (const Given& given : from_file) {
    try {
      given.option->read(loaded.settings, given.value);
    } catch (const ListError& error) {
      fail(error.origin, given.option->name, error.what());
    } catch (const SystemRefusal& error) {
      fail(given.origin, given.option->name, error.what(), error.error);
    } catch (const std::invalid_argument& error) {
      fail(given.origin, given.option->name, error.what());
    }
    loaded.origins.push_back({given.option->name, printable(given.origin)});
  }
}

}  // namespace

Loaded load(const std::vector<std::string>& arguments, const std::string& file_without_config,
            const std::string& root) {
  std::vector<Given> from_arguments = read_arguments(arguments);
  Loaded loaded;
  loaded.command = command_in(from_arguments);
  if (loaded.command == Command::help || loaded.command == Command::version) return loaded;

  const auto config = std::find_if(from_arguments.begin(), from_arguments.end(),
                                   [](const Given& given) { return given.option->name == "config"; });
  const bool is_named = config != from_arguments.end();
  const std::string path = is_named ? config->value : file_without_config;
  std::vector<Given> from_file = read_config(path, is_named, loaded.files);
  std::erase_if(from_arguments, [](const Given& given) { return !given.option->read; });
  read_values(std::move(from_file), from_arguments, loaded);
  auto& lists = loaded.settings.scope.lists;
  loaded.files.insert(loaded.files.end(), lists.begin(), lists.end());
  lists = {};
  if (!loaded.settings.socket.is_set()) loaded.settings.socket = default_endpoint(root);
  check_together(loaded);
  return loaded;
}

bool is_given(const Loaded& loaded, std::string_view option) {
  return std::any_of(loaded.origins.begin(), loaded.origins.end(),
                     [&](const Origin& origin) { return origin.option == option; });
}

std::string line_about(const Loaded& loaded, std::string_view option, const std::string& reason) {
  const auto last = std::find_if(loaded.origins.rbegin(), loaded.origins.rend(),
                                 [&](const Origin& origin) { return origin.option == option; });
  const std::string origin = last == loaded.origins.rend() ? "default" : last->text;
  return line_of(origin, option, reason);
}

std::string loss_between(const std::vector<ReadFile>& before, const std::vector<ReadFile>& now) {
  std::map<std::string_view, const ReadFile*> by_path;
  for (const ReadFile& file : now) by_path.emplace(file.path, &file);
  for (const ReadFile& old : before) {
    const bool is_config = old.option == "config";
    const auto found = by_path.find(old.path);
    if (found == by_path.end()) {
      // Without --config there need not be one at a start. At a reload all options would fall to their defaults.
      if (is_config) return old.path + ": it was read before and is not there";
      continue;
    }
    const ReadFile& file = *found->second;
    const auto line = [&](const std::string& reason) { return line_of(file.path, file.option, reason); };
    if (file.is_blank && !old.is_blank)
      return line("the file is empty and was not before; a file that is meant to be empty holds a comment");
    if (is_config && file.values == 0 && old.values > 0) {
      return line("the file sets no option any more, and set " + std::to_string(old.values) +
                  " before; if that is meant, restart the service");
    }
    if (!file.has_line_end && old.has_line_end)
      return line("the last line has no line end and had one before, so the file may be cut short; end the line");
  }
  return {};
}

std::vector<std::string> changes_by_reload(const Settings& running, const std::vector<ReadFile>& files,
                                           const Loaded& read) {
  const auto digests = [](const std::vector<ReadFile>& all, const std::string& option) {
    std::vector<std::size_t> found;
    for (const ReadFile& file : all) {
      if (file.option == option) found.push_back(file.digest);
    }
    return found;
  };
  std::vector<std::string> names;
  for (const Option& option : options()) {
    if (!option.print || !option.reloads) continue;
    if (option.print(running) != option.print(read.settings) ||
        digests(files, option.name) != digests(read.files, option.name))
      names.push_back(option.name);
  }
  return names;
}

std::vector<std::string> changes_for_restart(const Loaded& running, const Loaded& read) {
  std::vector<std::string> names;
  for (const Option& option : options()) {
    if (!option.print || option.reloads) continue;
    if (option.print(running.settings) != option.print(read.settings)) names.push_back(option.name);
  }
  return names;
}

msgid::Policy load_policy(const std::vector<std::string>& arguments, const std::string& file) {
  Loaded loaded;
  const std::vector<Given> from_arguments = read_arguments(arguments);
  for (const Given& given : from_arguments) {
    if (!given.option->decides) fail(given.origin, given.option->name, "only the daemon has this option");
  }
  std::vector<Given> from_file;
  if (file.empty()) {
    loaded.settings.policy.exchange = msgid::RuleAction::report;
  } else {
    from_file = read_config(file, true, loaded.files);
    std::erase_if(from_file, [](const Given& given) { return !given.option->decides; });
  }
  read_values(std::move(from_file), from_arguments, loaded);
  check_together(loaded);
  return loaded.settings.policy;
}

}  // namespace config
