// When a message was written, as its Date field has it.
#ifndef MSGID_AUDIT_DATE_H
#define MSGID_AUDIT_DATE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace audit {

/// Seconds since 1970 of the body of a Date field; nothing where it cannot be read.
//
//   date-time   = [ day-of-week "," ] day month year time-of-day zone [CFWS]     ; RFC 5322 3.3 and 4.3, FWS between
//   time-of-day = hour ":" minute [ ":" second ]
//   zone        = ("+" / "-") 4DIGIT / "UT" / "GMT" / "EST" ...                  ; what is none of these is taken for
//   UTC year        = 4*DIGIT / 2DIGIT                                               ; 2DIGIT: 1950 to 2049
std::optional<std::int64_t> seconds_of(std::string_view date);

}  // namespace audit

#endif
