// How the rows of the table are made: by kind of value. The inside of config.
#ifndef MSGID_CONFIG_ROWS_H
#define MSGID_CONFIG_ROWS_H

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/table.h"
#include "config/value.h"

namespace config::rows {

using Values = std::vector<std::string>;

inline Values if_any(const std::string& text) {
  return text.empty() ? Values{} : Values{text};
}

/// A row for a number. `member` is a generic lambda from the settings to the number.
template <class Member>
Option number(std::string name, std::size_t least, std::size_t most, Member member, std::string help,
              std::string_view section) {
  Option option;
  option.name = std::move(name);
  option.value = "NUMBER";
  option.range = std::to_string(least) + ".." + std::to_string(most);
  option.help = std::move(help);
  option.section = section;
  option.read = [=](Settings& settings, const std::string& text) {
    const auto number = whole_number(text);
    if (!number || *number < least || *number > most) {
      refuse("only a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    member(settings) = *number;
  };
  option.print = [=](const Settings& settings) { return Values{std::to_string(member(settings))}; };
  return option;
}

/// A row for a number of octets.
template <class Member>
Option octets(std::string name, std::size_t least, std::size_t most, Member member, std::string help,
              std::string_view section) {
  Option option = number(std::move(name), least, most, member, std::move(help), section);
  option.value = "OCTETS";
  return option;
}

template <class T>
using Words = std::vector<std::pair<std::string, T>>;

/// A row for one word of several; `words` has every value that can be set.
template <class T, class Member>
Option choice(std::string name, const Words<T>& words, Member member, std::string help, std::string_view section) {
  Option option;
  option.name = std::move(name);
  std::string listed;
  for (std::size_t i = 0; i < words.size(); ++i) {
    option.value += (i == 0 ? "" : "|") + words[i].first;
    listed += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i].first;
  }
  option.help = std::move(help);
  option.section = section;
  option.read = [=](Settings& settings, const std::string& text) {
    const auto word = std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.first == text; });
    if (word == words.end()) refuse("only " + listed);
    member(settings) = word->second;
  };
  option.print = [=](const Settings& settings) {
    const auto word =
        std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.second == member(settings); });
    return Values{word->first};
  };
  return option;
}

inline constexpr std::array<std::pair<char, std::size_t>, 3> time_units{{{'h', 3600}, {'m', 60}, {'s', 1}}};

inline std::string time_text(std::size_t seconds) {
  for (const auto& [letter, unit] : time_units) {
    if (seconds >= unit && seconds % unit == 0) return std::to_string(seconds / unit) + letter;
  }
  return "0s";
}

/// A row for a time. `member` is a generic lambda from the settings to the seconds.
template <class Member>
Option time(std::string name, std::size_t least, std::size_t most, Member member, std::string help,
            std::string_view section) {
  Option option;
  option.name = std::move(name);
  option.value = "TIME";
  option.range = time_text(least) + ".." + time_text(most);
  option.help = std::move(help);
  option.section = section;
  option.read = [=](Settings& settings, const std::string& text) {
    std::string_view digits = text;
    std::size_t unit = 1;
    for (const auto& [letter, seconds] : time_units) {
      if (!text.empty() && text.back() == letter) {
        digits.remove_suffix(1);
        unit = seconds;
      }
    }
    const auto number = whole_number(digits);
    if (!number || *number > most / unit || *number * unit < least) {
      refuse("only a time from " + time_text(least) + " to " + time_text(most) + ", as 90, 90s or 2m");
    }
    member(settings) = std::chrono::seconds(*number * unit);
  };
  option.print = [=](const Settings& settings) {
    return Values{time_text(static_cast<std::size_t>(member(settings).count()))};
  };
  return option;
}

// The parts of the table that have a file of their own.
void add_policy(std::vector<Option>& table);  ///< what decides: rules, fields and limits, signatures, Exchange
void add_scope(std::vector<Option>& table);   ///< whose mail is touched

}  // namespace config::rows

#endif
