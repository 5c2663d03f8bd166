#include <boost/program_options.hpp>
#include <cctype>
#include <ostream>
#include <sstream>

#include "config/table.h"

namespace config {
namespace {

namespace po = boost::program_options;

/// The help text with the range and the default behind it.
std::string described(const Option& option) {
  std::string notes = option.range;
  if (option.print) {
    const Settings defaults;
    for (const std::string& value : option.print(defaults)) {
      notes += (notes.empty() ? "" : "; ") + ("default " + value);
    }
  }
  if (option.repeatable) notes += (notes.empty() ? "" : "; ") + std::string("repeatable");
  return notes.empty() ? option.help : option.help + " (" + notes + ")";
}

std::string origins_of(const Loaded& loaded, const std::string& option, std::size_t nth) {
  for (const Origin& origin : loaded.origins) {
    if (origin.option == option && nth-- == 0) return origin.text;
  }
  return "default";
}

/// "# " and the text, in lines of at most 118 octets.
void print_comment(std::ostream& out, const std::string& text) {
  constexpr std::size_t most = 116;
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > most) {
      out << "# " << line << '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  out << "# " << line << '\n';
}

/// The help as a sentence, with what can be set.
std::string sentence(const Option& option) {
  std::string text = option.help;
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  std::string notes = option.range;
  const bool is_choice = option.value.find('|') != std::string::npos;
  for (std::size_t i = 0; is_choice && i < option.value.size(); ++i) {
    option.value[i] == '|' ? notes += " | " : notes += option.value[i];
  }
  if (option.repeatable) notes += "may be given more than once";
  if (!notes.empty()) text += " (" + notes + ")";
  return text + "." + (option.advice.empty() ? "" : " " + option.advice);
}

}  // namespace

void print_sample(std::ostream& out) {
  out << "# Configuration of msgid-milter(8). See msgid-milter.conf(5) for what each option means.\n"
         "#\n"
         "# This file runs as it is. A line with \"#\" and no space in front of an option shows its default, or an "
         "example\n"
         "# where it has none.\n"
         "# Check a change with:     msgid-milter --check-config\n"
         "# See all values:          msgid-milter --print-config\n"
         "# Put it into effect with: systemctl reload msgid-milter\n"
         "# Options marked [restart] want \"systemctl restart msgid-milter\" instead.\n";
  const Settings defaults;
  std::string_view section;
  for (const Option& option : options()) {
    if (!option.print) continue;
    if (option.section != section) out << "\n### " << option.section << '\n';
    section = option.section;
    out << '\n';
    print_comment(out, sentence(option) + (option.reloads ? "" : " [restart]"));
    std::vector<std::string> values = option.print(defaults);
    if (values.empty()) values.push_back(option.example);
    out << '#' << option.name << " = " << values.front() << '\n';
  }
}

void print_help(std::ostream& out) {
  out << "Usage: msgid-milter [--config FILE] [--OPTION=VALUE ...]\n"
         "A milter that repairs broken Message-ID, In-Reply-To and References fields.\n"
         "In the file the options stand as OPTION = VALUE, one a line.\n";
  const auto& table = options();
  for (auto row = table.begin(); row != table.end();) {
    po::options_description section{std::string(row->section)};
    for (const auto first = row; row != table.end() && row->section == first->section; ++row) {
      if (row->value.empty()) {
        section.add_options()(row->name.c_str(), described(*row).c_str());
      } else {
        section.add_options()(row->name.c_str(), po::value<std::string>()->value_name(row->value),
                              described(*row).c_str());
      }
    }
    out << '\n' << section;
  }
}

void print_config(std::ostream& out, const Loaded& loaded) {
  for (const Option& option : options()) {
    if (!option.print) continue;
    const std::vector<std::string> values = option.print(loaded.settings);
    if (values.empty()) out << "# " << option.name << " is not set\n";
    for (std::size_t i = 0; i < values.size(); ++i) {
      out << option.name << " = " << values[i] << "  # " << origins_of(loaded, option.name, i) << '\n';
    }
  }
}

}  // namespace config
