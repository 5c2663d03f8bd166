// The fake MTA's own answer to modifications: what it calls a failure of the filter.
#include "fake_mta.h"

#include <gtest/gtest.h>

namespace {

using fake_mta::Changed;
using fake_mta::Modification;

const msgid::FieldList fields = {{"A", " 1", 1}, {"B", " 2", 1}, {"a", " 3", 2}};

Changed applied(const Modification& modification, bool leading_space = true) {
  return fake_mta::apply(fields, {&modification, 1}, leading_space);
}

TEST(Apply, ReplacesTheInstanceAndTakesTheNewSpelling) {
  const Changed changed = applied({fake_mta::code::change_header, 2, "A", " new"});
  ASSERT_EQ(changed.fields.size(), 3u);
  EXPECT_EQ(changed.fields[0].body, " 1");
  EXPECT_EQ(changed.fields[2].name, "A");
  EXPECT_EQ(changed.fields[2].body, " new");
  EXPECT_EQ(changed.appended + changed.deleted + changed.other, 0);
}

TEST(Apply, AppendsAnInstanceThatDoesNotExist) {
  const Changed changed = applied({fake_mta::code::change_header, 3, "A", " new"});
  ASSERT_EQ(changed.fields.size(), 4u);
  EXPECT_EQ(changed.fields[3].body, " new");
  EXPECT_EQ(changed.appended, 1);
}

TEST(Apply, DeletesWithAnEmptyBody) {
  const Changed changed = applied({fake_mta::code::change_header, 1, "b", ""});
  ASSERT_EQ(changed.fields.size(), 2u);
  EXPECT_EQ(changed.deleted, 1);
}

TEST(Apply, PutsTheSpaceWhereItWasNotNegotiated) {
  EXPECT_EQ(applied({fake_mta::code::change_header, 1, "B", "new"}, false).fields[1].body, " new");
  EXPECT_EQ(applied({fake_mta::code::change_header, 1, "B", "new"}, true).fields[1].body, "new");
}

TEST(Apply, CountsWhatIsNotAChangeOfAField) {
  EXPECT_EQ(applied({'h', 0, "", "X"}).other, 1);
}

}  // namespace
