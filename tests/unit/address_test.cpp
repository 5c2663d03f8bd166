#include "report/address.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace {

using report::first_domain;

TEST(FirstDomain, Shapes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a@example.com", "example.com"},
      {" a@Example.COM", "example.com"},
      {"<a@b.example>", "b.example"},
      {"<a@[192.0.2.7]>", "[192.0.2.7]"},
      {"<a@[IPv6:2001:DB8::1]>", "[ipv6:2001:db8::1]"},
      {" Name <a@b.example>", "b.example"},
      {" \"Doe, John @ home\" <a@b.example>", "b.example"},
      {" \"a \\\" <x@y>\" <a@b.example>", "b.example"},
      {" Doe, John <a@b.example>", "b.example"},
      {" other@display.example <a@b.example>", "b.example"},
      {" (comment x@y (nested) ) a@b.example (after)", "b.example"},
      {" a@b.example, c@d.example", "b.example"},
      {" Name\n <a@b.example>,\n Other <c@d.example>", "b.example"},
      {" Group: a@b.example, c@d.example;", "b.example"},
      {" undisclosed-recipients:;", ""},
      {"<@relay.example,@other.example:a@b.example>", "b.example"},
      {"<\"a@x\"@b.example>", "b.example"},
      {"<a@x@b.example>", "b.example"},
      {"a@ b.example", "b.example"},
      {"a@b.example junk", "b.example"},
      {"a@b\x01.example", "b"},
      {"a@b\xc3\xa9.example", "b\xc3\xa9.example"},
      {"a@b.example>", "b.example"},
      {"<a@b.example", "b.example"},
      {"\"never closed <a@b.example>", "b.example"},
      {"(never closed <a@b.example>", "b.example"},
      {"<a@[never closed>", "[never"},
      {"", ""},
      {"<>", ""},
      {"MAILER-DAEMON", ""},
      {"a@", ""},
      {"@", ""},
      {"a@[", "["},
      {"\\", ""},
      {"\"a\\", ""},
  };
  for (const auto& [text, domain] : cases) EXPECT_EQ(first_domain(text), domain) << text;
}

TEST(FirstDomain, IsBounded) {
  EXPECT_EQ(first_domain("a@" + std::string(1000, 'x')), std::string(255, 'x'));
}

// Would take minutes if each opening looked for its end.
TEST(FirstDomain, IsLinear) {
  EXPECT_EQ(first_domain(std::string(1000000, '(') + "a@b"), "b");
  EXPECT_EQ(first_domain(std::string(1000001, '"') + "a@b"), "b");
  std::string ats;
  for (int i = 0; i < 300000; ++i) ats += "@[";
  EXPECT_EQ(first_domain(ats), ats.substr(1, 255));
}

}  // namespace
