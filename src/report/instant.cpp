#include "report/instant.h"

#include <algorithm>
#include <chrono>

namespace report {

namespace {

namespace ch = std::chrono;

constexpr std::int64_t last_second = 253402300799;  // 9999-12-31T23:59:59Z

/// Cuts pieces off the front of a text. After the first that is not there, ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return text_.empty(); }

  int digits(std::size_t count) {
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit()) return ok_ = false;
      number = number * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    return number;
  }

  /// The next character, which must be one of these.
  char one_of(std::string_view wanted) {
    if (text_.empty() || wanted.find(text_.front()) == std::string_view::npos) {
      ok_ = false;
      return 0;
    }
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  void fraction() {
    if (text_.empty() || text_.front() != '.') return;
    text_.remove_prefix(1);
    ok_ = ok_ && is_digit();
    while (is_digit()) text_.remove_prefix(1);
  }

 private:
  bool is_digit() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }

  std::string_view text_;
  bool ok_ = true;
};

/// Seconds to be taken from the local time.
std::int64_t offset(Reader& reader) {
  const char sign = reader.one_of("Zz+-");
  if (sign != '+' && sign != '-') return 0;
  const int hours = reader.digits(2);
  reader.one_of(":");
  const int minutes = reader.digits(2);
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return sign == '+' ? seconds : -seconds;
}

std::string padded(unsigned number, std::size_t digits) {
  std::string text = std::to_string(number);
  text.insert(0, digits - std::min(digits, text.size()), '0');
  return text;
}

}  // namespace

std::optional<std::int64_t> parse_instant(std::string_view text) {
  Reader reader(text);
  const int year = reader.digits(4);
  reader.one_of("-");
  const int month = reader.digits(2);
  reader.one_of("-");
  const int day = reader.digits(2);
  const ch::year_month_day date{ch::year(year), ch::month(static_cast<unsigned>(month)),
                                ch::day(static_cast<unsigned>(day))};
  if (!reader.ok() || !date.ok()) return std::nullopt;
  if (year < 1970) return std::nullopt;
  const std::int64_t midnight = ch::sys_days(date).time_since_epoch().count() * seconds_of_a_day;
  if (reader.at_end()) return midnight;

  reader.one_of("Tt ");
  const int hour = reader.digits(2);
  reader.one_of(":");
  const int minute = reader.digits(2);
  reader.one_of(":");
  const int second = reader.digits(2);
  reader.fraction();
  const std::int64_t east = offset(reader);
  // 60 is a leap second.
  if (!reader.ok() || !reader.at_end() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::int64_t seconds = midnight + hour * 3600 + minute * 60 + second - east;
  return seconds < 0 || seconds > last_second ? std::nullopt : std::optional(seconds);
}

bool is_date_only(std::string_view text) {
  return text.size() == 10;
}

std::string date_of(std::int64_t seconds) {
  const ch::year_month_day date(ch::floor<ch::days>(ch::sys_seconds(ch::seconds(seconds))));
  std::string text = padded(static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text += '-';
  text += padded(static_cast<unsigned>(date.month()), 2);
  text += '-';
  text += padded(static_cast<unsigned>(date.day()), 2);
  return text;
}

std::string minute_of(std::int64_t seconds) {
  const std::int64_t in_day = (seconds % seconds_of_a_day + seconds_of_a_day) % seconds_of_a_day;
  std::string text = date_of(seconds);
  text += ' ';
  text += padded(static_cast<unsigned>(in_day / 3600), 2);
  text += ':';
  text += padded(static_cast<unsigned>(in_day / 60 % 60), 2);
  return text;
}

}  // namespace report
