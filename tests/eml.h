// Reads the header of a message file, as an MTA shows it to a filter: folds are LF, instances counted. For the tests.
#ifndef MSGID_TESTS_EML_H
#define MSGID_TESTS_EML_H

#include <algorithm>
#include <string>
#include <string_view>

#include "msgid/field.h"

namespace eml {

/// Line ends are LF or CRLF. Stops at the first empty line.
inline msgid::FieldList header_of(std::string_view message) {
  msgid::FieldList fields;
  while (!message.empty()) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    std::string_view line = message.substr(0, end);
    message.remove_prefix(std::min(end + 1, message.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) break;
    if ((line.front() == ' ' || line.front() == '\t') && !fields.empty()) {
      fields.back().body += '\n';
      fields.back().body += line;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const auto same = [name](const msgid::Field& field) { return msgid::same_name(field.name, name); };
    const auto before = std::count_if(fields.begin(), fields.end(), same);
    fields.push_back({std::string(name), std::string(line.substr(colon + 1)), static_cast<int>(before) + 1});
  }
  return fields;
}

}  // namespace eml

#endif
