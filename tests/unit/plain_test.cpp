// That what is plain has no finding is for the property tests. Here: that ordinary fields are plain, for that is what
// it is there for, and where it ends.
#include <gtest/gtest.h>

#include <string>

#include "core/inspection.h"

namespace {

using msgid::Policy;

bool is_plain(std::string name, std::string body, const Policy& policy = {}, int instance = 1) {
  return msgid::is_plain({name, std::move(body), instance}, *policy.find(name), policy);
}

TEST(Plain, IsWhatNearlyAllMailHas) {
  for (const char* body : {" <a@b>", "<a@b>", "\n <a@b>", "\n\t<a@b>", " \n <a@b>", "\t<GUID>",
                           " <!#$%&'*+-/=^_`{|}~.:@x>", " <a@b> ", " <a@b>,", " <a@b>\n "}) {
    EXPECT_TRUE(is_plain("Message-ID", body)) << body;
    EXPECT_TRUE(is_plain("References", body)) << body;
  }
  for (const char* body : {" <a@b>\n <c@d>\n\t<e@f>", " <a@b>,<c@d>, <e@f>", "<a@b><c@d>"}) {
    EXPECT_TRUE(is_plain("References", body)) << body;
    EXPECT_FALSE(is_plain("Message-ID", body)) << body;
  }
}

TEST(Plain, IsNothingThatNeedsASecondLook) {
  for (const char* body :
       {" a",        " <a@b> c",    " <a@b",         " <>",          "<",        " <a b@c>", " <a\n b@c>",
        " <a\"b>",   " <a(b>",      " <a)b>",        " <a\\b>",      " <a?b>",   " <?a>",    " <a?>",
        " <a<b>",    " <a@b>>",     " <\xc3\xa9@b>", " <\xff@b>",    " <a\x7f>", " <a\x01>", " <a@b>\n",
        " <a@b>\nx", " <a@b>\n\n ", " (c) <a@b>",    " \"q\" <a@b>", " =?x",     "\r <a@b>", "",
        " ",         " <a@>",       " <@b>",         " <a,b@c>",     " <a;b@c>", " <[a@b]>"}) {
    EXPECT_FALSE(is_plain("Message-ID", body)) << body;
    EXPECT_FALSE(is_plain("References", body)) << body;
  }
  EXPECT_FALSE(is_plain("Message-ID", std::string(" <a\0@b>", 7))) << "a NUL";
  EXPECT_FALSE(is_plain("Message-ID", " ")) << "no id";
  EXPECT_TRUE(is_plain("Resent-Message-ID", " <a@b>", {}, 2));
  EXPECT_FALSE(is_plain("Message-ID", " <a@b>", {}, 2));
}

TEST(Plain, KeepsTheLimits) {
  Policy policy;
  policy.msgid_length = 10;
  EXPECT_TRUE(is_plain("References", " <12345678> <a>", policy));
  EXPECT_FALSE(is_plain("References", " <123456789> <a>", policy));
  policy = Policy();
  policy.references_length = 10;
  EXPECT_TRUE(is_plain("References", " <1234567>", policy));
  EXPECT_FALSE(is_plain("References", " <12345678>", policy));
  EXPECT_TRUE(is_plain("Message-ID", " <12345678>", policy));
  policy = Policy();
  policy.line_length = 20;
  EXPECT_TRUE(is_plain("References", " <a@b567>\n <34567890123456789>\n <a>", policy));
  EXPECT_TRUE(is_plain("References", " <a>\n <a>\n <34567890123456789>", policy));
  EXPECT_FALSE(is_plain("References", " <a@b5678>\n <a>", policy));
  EXPECT_FALSE(is_plain("References", " <a>\n <345678901234567890>\n <a>", policy));
  EXPECT_FALSE(is_plain("References", " <a>\n <a>\n <345678901234567890>", policy));
  policy = Policy();
  policy.action(msgid::RuleId::strict_syntax) = msgid::RuleAction::report;
  EXPECT_FALSE(is_plain("References", " <a@b>", policy));
  policy = Policy();
  policy.action(msgid::RuleId::folded) = msgid::RuleAction::report;
  EXPECT_TRUE(is_plain("References", " <a>", policy));
  EXPECT_FALSE(is_plain("References", " <a>\n <b>", policy));
}

}  // namespace
