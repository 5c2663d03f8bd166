#include <boost/program_options.hpp>
#include <ostream>

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

}  // namespace

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
