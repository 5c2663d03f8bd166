#include "audit/arguments.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <iostream>

#include "audit/subcommand.h"
#include "config/options.h"

namespace audit {

namespace {

namespace po = boost::program_options;

const OptionRow config_row = {"config", "FILE", "the daemon's configuration file"};
const OptionRow help_row = {"help", "", "print this"};

std::string long_name(const OptionRow& row) {
  return row.name.substr(0, row.name.find(','));
}

/// All options of a subcommand, those of the policy last.
std::vector<OptionRow> rows_of(const Usage& usage) {
  std::vector<OptionRow> rows = usage.options;
  if (usage.has_policy) rows.push_back(config_row);
  rows.push_back(help_row);
  if (usage.has_policy) {
    for (const std::string& name : config::policy_option_names()) rows.push_back({name, "VALUE", {}});
  }
  return rows;
}

bool is_policy_option(const Usage& usage, const std::string& name) {
  const std::vector<std::string> names = config::policy_option_names();
  return usage.has_policy && std::find(names.begin(), names.end(), name) != names.end();
}

/// "--name=value" or "-n" without what stands around the name.
std::string bare_name(const std::string& argument) {
  const std::string name = argument.substr(std::min(argument.find_first_not_of('-'), argument.size()));
  return name.substr(0, name.find('='));
}

}  // namespace

Arguments::Arguments(const Usage& usage, const std::vector<std::string>& words) : subcommand_(usage.subcommand) {
  po::options_description known;
  for (const OptionRow& row : rows_of(usage)) {
    if (row.value.empty()) {
      known.add_options()(row.name.c_str(), "");
    } else {
      known.add_options()(row.name.c_str(), po::value<std::string>(), "");
    }
  }
  try {
    using namespace po::command_line_style;
    const auto parsed = po::command_line_parser(words)
                            .options(known)
                            .style(allow_long | long_allow_adjacent | long_allow_next | allow_short |
                                   allow_dash_for_short | short_allow_next | short_allow_adjacent)
                            .run();
    for (const auto& option : parsed.options) {
      const std::string value = option.value.empty() ? std::string() : option.value.front();
      if (option.position_key >= 0) {
        if (usage.names.empty()) fail(value, "not an option");
        names_.push_back(value);
      } else if (is_policy_option(usage, option.string_key)) {
        policy_.push_back("--" + option.string_key + "=" + value);
      } else if (!values_.emplace(option.string_key, value).second) {
        fail("--" + option.string_key, "given twice");
      }
    }
  } catch (const po::unknown_option& error) {
    fail(error.get_option_name(), "unknown option; see msgid-audit " + subcommand_ + " --help");
  } catch (const po::invalid_command_line_syntax& error) {
    fail("--" + bare_name(error.get_option_name()),
         error.kind() == po::invalid_syntax::extra_parameter ? "takes no value" : "a value is missing");
  }
  is_help_ = values_.erase("help") != 0;
  if (const auto config = values_.find("config"); usage.has_policy && config != values_.end()) {
    if (config->second.empty()) fail("--config", "a value is missing");
    config_ = config->second;
    values_.erase(config);
  }
}

void Arguments::fail(const std::string& option, const std::string& reason) const {
  throw Trouble(subcommand_ + ": " + option + ": " + reason);
}

std::string Arguments::value(const std::string& option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::string() : found->second;
}

std::string Arguments::choice(const std::string& option, std::initializer_list<std::string_view> allowed) const {
  const auto found = values_.find(option);
  if (found == values_.end()) return std::string(*allowed.begin());
  if (std::find(allowed.begin(), allowed.end(), found->second) != allowed.end()) return found->second;
  std::string all;
  for (const std::string_view word : allowed) {
    if (!all.empty()) all += ", ";
    all += word;
  }
  fail("--" + option, "not one of " + all);
}

std::size_t Arguments::number(const std::string& option, std::size_t lowest, std::size_t highest,
                              std::size_t by_default) const {
  const auto found = values_.find(option);
  if (found == values_.end()) return by_default;
  const std::string& text = found->second;
  std::size_t result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size() || result < lowest || result > highest) {
    fail("--" + option, "not a number in " + std::to_string(lowest) + ".." + std::to_string(highest));
  }
  return result;
}

msgid::Policy Arguments::policy() const {
  return config::load_policy(policy_, config_);
}

int print_help(const Usage& usage) {
  constexpr std::size_t column = 26;
  std::cout << "usage: msgid-audit " << usage.subcommand << " [OPTION...] " << usage.names << "\n\n"
            << usage.summary << "\n\n";
  for (const OptionRow& row : rows_of(usage)) {
    if (row.help.empty()) continue;
    std::string line = "  --" + long_name(row);
    if (!row.value.empty()) line += '=' + row.value;
    if (const std::size_t comma = row.name.find(','); comma != std::string::npos) {
      line += ", -" + row.name.substr(comma + 1);
    }
    line.resize(std::max(column, line.size() + 1), ' ');
    std::cout << line << row.help << '\n';
  }
  if (!usage.has_policy) return 0;
  std::cout << "\nThe policy: --OPTION=VALUE, as in msgid-milter.conf(5), in place of the file's.\n";
  std::string line;
  for (const std::string& name : config::policy_option_names()) {
    if (line.size() + name.size() > 76) {
      std::cout << ' ' << line << '\n';
      line.clear();
    }
    line += ' ' + name;
  }
  std::cout << ' ' << line << '\n';
  return 0;
}

}  // namespace audit
