#include "report/instant.h"

#include <gtest/gtest.h>

#include "report/audit_record.h"

namespace {

using report::parse_instant;

constexpr std::int64_t noon = 1795348800;  // 2026-11-22T12:00:00Z, by date(1)

TEST(Instant, ReadsRfc3339) {
  EXPECT_EQ(parse_instant("2026-11-22T12:00:00Z"), noon);
  EXPECT_EQ(parse_instant("2026-11-22t12:00:00z"), noon);
  EXPECT_EQ(parse_instant("2026-11-22 12:00:00.987Z"), noon);
  EXPECT_EQ(parse_instant("2026-11-22T13:30:00+01:30"), noon);
  EXPECT_EQ(parse_instant("2026-11-22T07:00:00-05:00"), noon);
  EXPECT_EQ(parse_instant("2026-11-22"), noon - 43200);
  EXPECT_EQ(parse_instant("2024-02-29"), 1709164800);
  EXPECT_EQ(parse_instant("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_instant("9999-12-31T23:59:59Z"), 253402300799);
}

TEST(Instant, TakesNothingElse) {
  for (const char* text : {"",
                           "2026",
                           "2026-11",
                           "2026-11-22T",
                           "2026-11-22T12",
                           "2026-11-22T12:00:00",
                           "2026-11-22T12:00:00.Z",
                           "2026-11-22T12:00:00ZZ",
                           "2026-11-22T12:00:00+1:00",
                           "2026-11-22T24:00:00Z",
                           "2026-11-22T12:60:00Z",
                           "2026-11-31",
                           "2026-02-29",
                           "2026-13-01",
                           "2026-00-10",
                           "26-11-22",
                           "2026-11-2x",
                           " 2026-11-22",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59-00:01",
                           "-026-11-22"}) {
    EXPECT_FALSE(parse_instant(text)) << text;
  }
}

TEST(Instant, WritesWhatItReads) {
  EXPECT_EQ(report::date_of(noon), "2026-11-22");
  EXPECT_EQ(report::minute_of(noon + 3599), "2026-11-22 12:59");
  EXPECT_EQ(report::minute_of(0), "1970-01-01 00:00");
  EXPECT_EQ(parse_instant(report::rfc3339(noon)), noon);
  EXPECT_TRUE(report::is_date_only("2026-11-22"));
  EXPECT_FALSE(report::is_date_only("2026-11-22T12:00:00Z"));
}

}  // namespace
