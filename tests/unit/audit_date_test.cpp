#include <gtest/gtest.h>

#include "audit/date.h"
#include "report/audit_record.h"

namespace {

std::string utc(std::string_view date) {
  const std::optional<std::int64_t> seconds = audit::seconds_of(date);
  return seconds ? report::rfc3339(*seconds) : "none";
}

TEST(Date, IsReadAsMailWritesIt) {
  EXPECT_EQ(utc(" Sat, 21 Nov 2026 11:20:30 +0100"), "2026-11-21T10:20:30Z");
  EXPECT_EQ(utc("21 Nov 2026 11:20 -0330 (NST)"), "2026-11-21T14:50:00Z");
  EXPECT_EQ(utc(" Sat,\r\n\t 1 nov 2026 00:00:00 GMT"), "2026-11-01T00:00:00Z");
  EXPECT_EQ(utc("Fri, 31 Dec 1999 23:59:60 EST"), "2000-01-01T05:00:00Z");
  EXPECT_EQ(utc("29 Feb 2024 12:00:00"), "2024-02-29T12:00:00Z");
  EXPECT_EQ(utc("Mon, 2 Jan 06 15:04:05 -0700"), "2006-01-02T22:04:05Z");
  EXPECT_EQ(utc("2 Jan 70 00:00:00 Z"), "1970-01-02T00:00:00Z");
  EXPECT_EQ(utc("2 Jan 126 00:00:00 Z"), "2026-01-02T00:00:00Z");
}

TEST(Date, ElseIsNone) {
  for (const char* const bad :
       {"", " ", "yesterday", "Sat, 21 Nov 2026", "21 Nov 2026 24:00:00 +0000", "21 Nov 2026 11:60",
        "30 Feb 2026 11:00:00", "0 Nov 2026 11:00:00", "21 Foo 2026 11:00:00", "21 Nov 20261 11:00:00",
        "21 Nov 2026 1:2:3:4", "21 Nov 2026 11", "2026-11-21T10:20:30Z", "21 Nov \xff 11:00:00"}) {
    EXPECT_EQ(utc(bad), "none") << bad;
  }
}

}  // namespace
