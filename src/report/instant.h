// Points in time as the trails and the command line write them.
#ifndef MSGID_REPORT_INSTANT_H
#define MSGID_REPORT_INSTANT_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace report {

inline constexpr std::int64_t seconds_of_a_day = 86400;

/// Seconds since 1970 of an RFC 3339 full-date (its beginning in UTC) or date-time; fractions of a second are left out.
/// Nothing where it is neither, or not in the years 1970 to 9999.
//
//   date-time      = full-date ("T" / "t" / SP) partial-time time-offset     ; RFC 3339 5.6
//   full-date      = 4DIGIT "-" 2DIGIT "-" 2DIGIT
//   partial-time   = 2DIGIT ":" 2DIGIT ":" 2DIGIT ["." 1*DIGIT]
//   time-offset    = "Z" / "z" / (("+" / "-") 2DIGIT ":" 2DIGIT)
std::optional<std::int64_t> parse_instant(std::string_view text);

/// Whether the text has the length of a full-date.
bool is_date_only(std::string_view text);

/// "2026-11-22" of seconds since 1970, UTC.
std::string date_of(std::int64_t seconds);

/// "2026-11-22 10:05", UTC.
std::string minute_of(std::int64_t seconds);

}  // namespace report

#endif
