#include "audit/date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "msgid/field.h"

namespace audit {

namespace {

/// What has a comma behind it, or blanks around it, is a word. Comments are not looked for: they stand at the end.
std::string_view next_word(std::string_view& text) {
  constexpr std::string_view between = " \t\r\n,";
  text.remove_prefix(std::min(text.find_first_not_of(between), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(between));
  text.remove_prefix(word.size());
  return word;
}

/// The number a text consists of, which has at most so many digits.
std::optional<int> number(std::string_view text, std::size_t most_digits) {
  int value = 0;
  const bool is_digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_digits || text.size() > most_digits) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<unsigned> month_of(std::string_view word) {
  static constexpr std::array<std::string_view, 12> names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* const name = std::find_if(
      names.begin(), names.end(), [word](std::string_view candidate) { return msgid::same_name(candidate, word); });
  if (name == names.end()) return std::nullopt;
  return static_cast<unsigned>(name - names.begin()) + 1;
}

std::optional<int> year_of(std::string_view word) {
  const std::optional<int> year = number(word, 4);
  if (!year || word.size() == 4) return year;
  if (word.size() == 3) return *year + 1900;
  return *year + (*year < 50 ? 2000 : 1900);
}

std::optional<int> seconds_of_day(std::string_view word) {
  std::array<int, 3> parts = {};
  for (std::size_t i = 0; i < parts.size() && !(i == 2 && word.empty()); ++i) {
    const std::size_t colon = std::min(word.find(':'), word.size());
    const std::optional<int> part = number(word.substr(0, colon), 2);
    if (!part) return std::nullopt;
    parts[i] = *part;
    word.remove_prefix(std::min(colon + 1, word.size()));
  }
  if (!word.empty() || parts[0] > 23 || parts[1] > 59 || parts[2] > 60) return std::nullopt;
  return (parts[0] * 60 + parts[1]) * 60 + parts[2];
}

/// East of Greenwich.
int zone_of(std::string_view word) {
  struct Zone {
    std::string_view name;
    int hours;
  };
  static constexpr std::array<Zone, 8> zones = {
      {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}}};
  if (word.starts_with('+') || word.starts_with('-')) {
    const int digits = number(word.substr(1), 4).value_or(0);
    const int seconds = (digits / 100 * 60 + digits % 100) * 60;
    return word.front() == '-' ? -seconds : seconds;
  }
  for (const Zone& zone : zones) {
    if (msgid::same_name(zone.name, word)) return zone.hours * 3600;
  }
  return 0;
}

}  // namespace

std::optional<std::int64_t> seconds_of(std::string_view date) {
  namespace ch = std::chrono;
  std::string_view first = next_word(date);
  if (!number(first, 2)) first = next_word(date);  // it was the day of the week
  const std::optional<int> day = number(first, 2);
  const std::optional<unsigned> month = month_of(next_word(date));
  const std::optional<int> year = year_of(next_word(date));
  const std::optional<int> time = seconds_of_day(next_word(date));
  if (!day || !month || !year || !time) return std::nullopt;
  const ch::year_month_day calendar{ch::year(*year), ch::month(*month), ch::day(static_cast<unsigned>(*day))};
  if (!calendar.ok()) return std::nullopt;
  const ch::sys_seconds midnight = ch::sys_days(calendar);
  return midnight.time_since_epoch().count() + *time - zone_of(next_word(date));
}

}  // namespace audit
