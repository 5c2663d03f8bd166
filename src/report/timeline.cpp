// The days of a summary as a chart shows them.
#include <charconv>
#include <chrono>

#include "report/instant.h"
#include "report/summary.h"

namespace report {

namespace {

namespace ch = std::chrono;

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// The keys of Summary::days are ours, "2026-11-22".
int number(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::string month_of(std::string_view label) {
  const auto month = static_cast<std::size_t>(number(label.substr(5, 2))) - 1;
  return std::string(months[month % months.size()]);
}

Period period_of(const std::string& label, const Slot& slot) {
  if (label.size() == 4) return {label, label, {}, slot};
  if (label.size() == 7) return {label, month_of(label), label.substr(0, 4), slot};
  return {label, std::to_string(number(std::string_view(label).substr(8))), month_of(label), slot};
}

/// The label of the period behind this one.
std::string next(std::string_view label) {
  const ch::year year(number(label.substr(0, 4)));
  if (label.size() == 4) return std::to_string(static_cast<int>(year) + 1);
  const ch::month month(static_cast<unsigned>(number(label.substr(5, 2))));
  const auto seconds_at = [](ch::year_month_day date) {
    return std::int64_t{ch::sys_days(date).time_since_epoch().count()} * seconds_of_a_day;
  };
  if (label.size() == 7) {
    const ch::year_month after = year / month + ch::months(1);
    return date_of(seconds_at(after / 1)).substr(0, 7);
  }
  const ch::day day(static_cast<unsigned>(number(label.substr(8))));
  return date_of(seconds_at(year / month / day) + seconds_of_a_day);
}

using Slots = std::map<std::string, Slot, std::less<>>;

/// Days put together by the first octets of their date.
Slots grouped(const Slots& days, std::size_t octets) {
  Slots groups;
  for (const auto& [date, slot] : days) groups[date.substr(0, octets)] += slot;
  return groups;
}

/// Nothing where there would be more than max_periods.
std::vector<Period> without_gaps(const Slots& slots) {
  std::vector<Period> periods;
  if (slots.empty()) return periods;
  for (std::string label = slots.begin()->first;; label = next(label)) {
    if (periods.size() == max_periods) return {};
    const auto slot = slots.find(label);
    periods.push_back(period_of(label, slot == slots.end() ? Slot() : slot->second));
    if (label == slots.rbegin()->first) return periods;
  }
}

}  // namespace

Timeline timeline(const Summary& summary) {
  const Slots& days = summary.days.rows;
  if (std::vector<Period> periods = without_gaps(days); !periods.empty() || days.empty()) return {"day", periods};
  if (std::vector<Period> periods = without_gaps(grouped(days, 7)); !periods.empty()) return {"month", periods};
  const Slots years = grouped(days, 4);
  if (std::vector<Period> periods = without_gaps(years); !periods.empty()) return {"year", periods};
  std::vector<Period> periods;
  for (auto year = years.rbegin(); year != years.rend() && periods.size() < max_periods; ++year) {
    periods.insert(periods.begin(), period_of(year->first, year->second));
  }
  return {"year", periods};
}

}  // namespace report
