// Whose mail is touched: networks, domains, senders, and how they go together.
#include "config/scope.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/config_fixture.h"

namespace {

using namespace config_fixture;
using config::Domains;
using config::Networks;
using config::Scope;
using config::Senders;

using Texts = std::vector<std::string>;

template <class Set>
std::string refusal(const std::string& text) {
  Set set;
  try {
    set.add(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "taken";
}

TEST(Scope, NetworksHaveTheirAddresses) {
  struct Case {
    std::string network;
    Texts in, out;
  };
  const std::vector<Case> cases{
      {"192.0.2.7",
       {"192.0.2.7", "::ffff:192.0.2.7", "::FFFF:C000:0207", "[192.0.2.7]", "IPv6:::ffff:192.0.2.7"},
       {"192.0.2.6", "192.0.2.8", "::192.0.2.7", "", "local", "192.0.2", "192.0.2.7 ", "192.0.2.07", "host.example"}},
      {"192.0.2.0/24", {"192.0.2.0", "192.0.2.255"}, {"192.0.1.255", "192.0.3.0", "2001:db8::1"}},
      {"10.0.0.0/8", {"10.0.0.0", "10.255.255.255"}, {"9.255.255.255", "11.0.0.0"}},
      {"192.0.2.6/31", {"192.0.2.6", "192.0.2.7"}, {"192.0.2.5", "192.0.2.8"}},
      {"192.0.2.6/32", {"192.0.2.6"}, {"192.0.2.7"}},
      {"0.0.0.0/0", {"0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"}, {"::", "::1", "fe80::1"}},
      {"::/0", {"::", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, {"0.0.0.0", "::ffff:1.2.3.4"}},
      {"2001:db8::/32",
       {"2001:db8::", "2001:DB8::1", "IPv6:2001:db8::1", "ipv6:2001:db8::1", "[IPv6:2001:db8::1]",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
       {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"}},
      {"2001:db8::8/125", {"2001:db8::8", "2001:db8::f"}, {"2001:db8::7", "2001:db8::10"}},
      {"2001:db8::1", {"2001:db8:0:0:0:0:0:1"}, {"2001:db8::2"}},
      {"::ffff:192.0.2.0/120", {"192.0.2.9", "::ffff:192.0.2.9"}, {"192.0.3.0"}},
      {"::ffff:0.0.0.0/96", {"1.2.3.4"}, {"::1"}},
  };
  for (const auto& [network, in, out] : cases) {
    Networks networks;
    EXPECT_TRUE(networks.add(network)) << network;
    EXPECT_FALSE(networks.add(network)) << network;
    for (const std::string& text : in) {
      const auto address = config::parse_address(text);
      ASSERT_TRUE(address) << text;
      EXPECT_TRUE(networks.contains(*address)) << network << " has no " << text;
    }
    for (const std::string& text : out) {
      const auto address = config::parse_address(text);
      EXPECT_FALSE(address && networks.contains(*address)) << network << " has " << text;
    }
  }
}

TEST(Scope, NetworksThatAreRefused) {
  const std::string what = "only an address or a network, as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32";
  for (const char* text : {"", "host.example", "192.0.2", "192.0.2.256", "192.0.2.07", "192.0.2.7:25", "2001:db8",
                           "/24", "fe80::1%eth0", "[192.0.2.7]", "10.0.0.0-10.0.0.9"}) {
    EXPECT_EQ(refusal<Networks>(text), what) << text;
  }
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/255.0.0.0", "10.0.0.0/-1", "10.0.0.0/8/8"})
    EXPECT_EQ(refusal<Networks>(text), "only a number from 0 to 32 behind the \"/\"") << text;
  EXPECT_EQ(refusal<Networks>("::/129"), "only a number from 0 to 128 behind the \"/\"");
  EXPECT_EQ(refusal<Networks>("::ffff:0.0.0.0/95"),
            "an IPv4-mapped network has 96 or more behind the \"/\"; write it as an IPv4 network");
  const auto bits = [](const std::string& network, const std::string& address) {
    return "there are bits behind the prefix; write " + network + ", or " + address + " for this address alone";
  };
  EXPECT_EQ(refusal<Networks>("192.0.2.7/24"), bits("192.0.2.0/24", "192.0.2.7"));
  EXPECT_EQ(refusal<Networks>("1.2.3.4/0"), bits("0.0.0.0/0", "1.2.3.4"));
  EXPECT_EQ(refusal<Networks>("::ffff:192.0.2.7/120"), bits("192.0.2.0/24", "192.0.2.7"));
  EXPECT_EQ(refusal<Networks>("2001:db8::1/64"), bits("2001:db8::/64", "2001:db8::1"));
}

TEST(Scope, NetworksHoldOneAnotherInEitherOrder) {
  Networks networks;
  EXPECT_TRUE(networks.add("10.1.0.0/16"));
  EXPECT_TRUE(networks.add("10.3.0.0/16"));
  EXPECT_FALSE(networks.add("10.1.2.0/24"));
  EXPECT_TRUE(networks.add("10.0.0.0/15"));
  EXPECT_FALSE(networks.add("10.1.0.0/16"));
  for (const auto& [text, is_in] : {std::pair{"10.0.0.1", true},
                                    {"10.1.2.3", true},
                                    {"10.2.0.0", false},
                                    {"10.3.255.255", true},
                                    {"10.4.0.0", false}}) {
    EXPECT_EQ(networks.contains(*config::parse_address(text)), is_in) << text;
  }
}

TEST(Scope, NetworksWithinOthers) {
  const auto of = [](const Texts& texts) {
    Networks networks;
    for (const std::string& text : texts) networks.add(text);
    return networks;
  };
  EXPECT_TRUE(of({}).is_within(of({})));
  EXPECT_TRUE(of({"10.0.0.0/24"}).is_within(of({"10.0.0.0/8"})));
  EXPECT_TRUE(of({"10.0.0.0/24"}).is_within(of({"10.0.0.128/25", "10.0.0.0/25"})));
  EXPECT_TRUE(of({"0.0.0.0/0", "::/0"}).is_within(of({"::/1", "8000::/1", "0.0.0.0/0"})));
  EXPECT_FALSE(of({"10.0.0.0/24"}).is_within(of({})));
  EXPECT_FALSE(of({"10.0.0.0/24"}).is_within(of({"10.0.0.0/25", "10.0.0.129"})));
  EXPECT_FALSE(of({"10.0.0.0/24", "::1"}).is_within(of({"10.0.0.0/8"})));
  EXPECT_FALSE(of({"::/0"}).is_within(of({"0.0.0.0/0"})));
}

TEST(Scope, DomainsHaveTheirNames) {
  struct Case {
    std::string pattern;
    Texts in, out;
  };
  const std::vector<Case> cases{
      {"example.com",
       {"example.com", "EXAMPLE.com", "example.com."},
       {"a.example.com", "xexample.com", "example.co", "com", "", ".", ".example.com", "example.com.."}},
      {".example.com",
       {"example.com", "a.example.com", "A.B.Example.COM", "a.example.com."},
       {"xexample.com", "example.com.de", "com", "example"}},
      {"Example.COM", {"example.com"}, {"a.example.com"}},
      {".com", {"com", "a.com", "a.b.com"}, {"acom"}},
      {"localhost", {"localhost"}, {"a.localhost"}},
      {"b\xC3\xBC"
       "cher.example",
       {"B\xC3\xBC"
        "cher.example"},
       {"b\xC3\x9C"
        "cher.example",
        "xn--bcher-kva.example"}},
  };
  for (const auto& [pattern, in, out] : cases) {
    Domains domains;
    EXPECT_TRUE(domains.add(pattern)) << pattern;
    EXPECT_FALSE(domains.add(pattern)) << pattern;
    for (const std::string& domain : in) EXPECT_TRUE(domains.contains(domain)) << pattern << " has no " << domain;
    for (const std::string& domain : out) EXPECT_FALSE(domains.contains(domain)) << pattern << " has " << domain;
  }
  Domains both;
  EXPECT_TRUE(both.add("x.example.com"));
  EXPECT_TRUE(both.add(".example.com"));
  EXPECT_FALSE(both.add("y.example.com"));
  EXPECT_FALSE(both.add(".y.example.com"));
  EXPECT_TRUE(both.add(".com"));
}

TEST(Scope, DomainsThatAreRefused) {
  for (const char* text : {"", ".", "..", "a..b", "..a", "a b", "a@b", "[192.0.2.1]", "a:b", "a/b", "*", "a,b", "<>"})
    EXPECT_EQ(refusal<Domains>(text), "only a domain, as example.com, or .example.com for it and all below it") << text;
  EXPECT_EQ(refusal<Domains>("*.example.com"), "write .example.com for a domain and all below it");
  EXPECT_EQ(refusal<Domains>("@example.com"), "write the domain without \"@\"");
  EXPECT_EQ(refusal<Domains>("example.com."), "write the domain without the dot at its end");
  EXPECT_EQ(refusal<Domains>(std::string(254, 'a')), "only a domain of at most 253 octets");
  EXPECT_EQ(refusal<Domains>(std::string(253, 'a')), "taken");
}

TEST(Scope, AddressesOfTheEnvelope) {
  struct Case {
    std::string argument, local, domain;
  };
  const std::vector<Case> cases{
      {"<>", "", ""},
      {"", "", ""},
      {"<> BODY=8BITMIME", "", ""},
      {"< >", "", ""},
      {"<a@b.de>", "a", "b.de"},
      {"a@b.de", "a", "b.de"},
      {"<A@B.De>", "a", "b.de"},
      {"<a@b.de.>", "a", "b.de"},
      {"<a@b.de> SIZE=100 X=<c@d.de>", "a", "b.de"},
      {"a@b.de SIZE=100", "a", "b.de"},
      {" < a@b.de > ", "a", "b.de"},
      {"<@r.de:a@b.de>", "a", "b.de"},
      {"<@r.de,@s.de:a@b.de>", "a", "b.de"},
      {"<\"a\"@b.de>", "a", "b.de"},
      {"<\"a b\"@b.de>", "a b", "b.de"},
      {"<\"a\\\"b>\"@b.de>", "a\"b>", "b.de"},
      {"<\"x@y\"@b.de>", "x@y", "b.de"},
      {"<x@y@b.de>", "x@y", "b.de"},
      {"<a\\@x@b.de>", "a@x", "b.de"},
      {"<root>", "root", ""},
      {"<a@>", "a", ""},
      {"<a@[192.0.2.1]>", "a", "[192.0.2.1]"},
      {"<a@b.de", "a", "b.de"},
  };
  for (const auto& [argument, local, domain] : cases) {
    const config::EnvelopeAddress address = config::parse_envelope(argument);
    EXPECT_EQ(address.local, local) << argument;
    EXPECT_EQ(address.domain, domain) << argument;
  }
}

TEST(Scope, SendersHaveTheirAddresses) {
  struct Case {
    std::string pattern;
    Texts in, out;
  };
  const std::vector<Case> cases{
      {"<>", {"<>", "", "<> SIZE=1"}, {"<a@b.de>", "<root>", "<\"\">", "\"\""}},
      {"user@example.com",
       {"<user@example.com>", "USER@EXAMPLE.COM", "<\"user\"@example.com>", "<@r.de:user@example.com>"},
       {"<>", "<user+x@example.com>", "<xuser@example.com>", "<user@a.example.com>", "<user>"}},
      {"\"a b\"@example.com", {"<\"A B\"@example.com>"}, {"<ab@example.com>"}},
      {"example.com", {"<a@example.com>", "<a@Example.com.>"}, {"<a@b.example.com>", "<example.com>", "<>"}},
      {".example.com", {"<a@example.com>", "<a@b.example.com>"}, {"<a@xexample.com>", "<>"}},
  };
  for (const auto& [pattern, in, out] : cases) {
    Senders senders;
    EXPECT_TRUE(senders.add(pattern)) << pattern;
    EXPECT_FALSE(senders.add(pattern)) << pattern;
    for (const std::string& sender : in)
      EXPECT_TRUE(senders.contains(config::parse_envelope(sender))) << pattern << " has no " << sender;
    for (const std::string& sender : out)
      EXPECT_FALSE(senders.contains(config::parse_envelope(sender))) << pattern << " has " << sender;
  }
  const std::string what = "only an address, as user@example.com, a domain, or <>";
  for (const char* text : {"a b@c.de", "a@b.de SIZE=1", "a@b.de.", "\"\"@b.de", "a\tb@c.de"})
    EXPECT_EQ(refusal<Senders>(text), what) << text;
  EXPECT_EQ(refusal<Senders>("@b.de"), "write the domain without \"@\"");
  EXPECT_EQ(refusal<Senders>("<a@b.de>"), "write the address without angle brackets; only the null sender is <>");
  EXPECT_EQ(refusal<Senders>("a@*.b.de"), "only a domain, as example.com, or .example.com for it and all below it");
}

Scope scope_of(const Arguments& arguments) {
  return load(arguments).settings.scope;
}

TEST(Scope, RulesGoTogether) {
  struct Case {
    Arguments rules;
    std::string client, sender, user, recipient;
    bool is_in;
  };
  const Arguments none;
  const Arguments clients{"--only-client=10.0.0.0/8", "--only-client=::1"};
  const Arguments most{"--only-client=10.0.0.0/8", "--exempt-client=10.1.0.0/16", "--exempt-sender=<>",
                       "--exempt-sender=.b.de",    "--exempt-authenticated=yes",  "--only-recipient=c.de"};
  const std::vector<Case> cases{
      {none, "local", "<>", "user", "<root>", true},
      {clients, "10.9.9.9", "<>", "user", "<root>", true},
      {clients, "::1", "", "", "", true},
      {clients, "11.0.0.0", "", "", "", false},
      {clients, "", "", "", "", false},
      {clients, "local", "", "", "", false},
      {{"--exempt-client=10.0.0.0/8"}, "local", "", "", "", true},
      {{"--exempt-client=10.0.0.0/8"}, "10.0.0.1", "", "", "", false},
      {{"--exempt-client=10.0.0.0/8"}, "::ffff:10.0.0.1", "", "", "", false},
      {{"--exempt-authenticated=yes"}, "::1", "<a@b.de>", "u", "", false},
      {{"--exempt-authenticated=yes"}, "::1", "<a@b.de>", "", "", true},
      {{"--exempt-authenticated=no"}, "::1", "<a@b.de>", "u", "", true},
      {most, "10.0.0.1", "<a@a.de>", "", "<x@c.de>", true},
      {most, "10.0.0.1", "<a@a.de>", "", "<x@d.de>", false},
      {most, "11.0.0.1", "<a@a.de>", "", "<x@c.de>", false},
      {most, "10.1.0.1", "<a@a.de>", "", "<x@c.de>", false},
      {most, "10.0.0.1", "<>", "", "<x@c.de>", false},
      {most, "10.0.0.1", "<a@x.b.de>", "", "<x@c.de>", false},
      {most, "10.0.0.1", "<a@a.de>", "u", "<x@c.de>", false},
  };
  for (const Case& c : cases) {
    const Scope scope = scope_of(c.rules);
    const bool has_recipient = !scope.only_recipient.is_given() || scope.has_recipient(c.recipient);
    EXPECT_EQ(scope.has_client(c.client) && scope.has_sender(c.sender, c.user) && has_recipient, c.is_in)
        << ::testing::PrintToString(c.rules) << c.client << ' ' << c.sender << ' ' << c.user << ' ' << c.recipient;
  }
  EXPECT_FALSE(scope_of({"--audit-exempt=yes"}).is_limited());
  for (const char* rule : {"--only-recipient=a.de", "--only-client=::1", "--exempt-client=::1", "--exempt-sender=<>",
                           "--exempt-authenticated=yes"}) {
    EXPECT_TRUE(scope_of({rule}).is_limited()) << rule;
  }
}

// List files.

TEST(ScopeLists, AreReadAndPrintedAsTheirPath) {
  const TemporaryFile list("# relays\n\n  10.0.0.0/8\t# all\r\n::1\n10.1.0.0/16");
  const std::string option = "only-client = @" + list.path() + "\n";
  const config::Loaded loaded = load_file(option + "only-client = 192.0.2.1\n");
  const Scope& scope = loaded.settings.scope;
  for (const char* client : {"10.2.3.4", "::1", "192.0.2.1"}) EXPECT_TRUE(scope.has_client(client)) << client;
  EXPECT_FALSE(scope.has_client("192.0.2.2"));
  const std::string text = printed(loaded);
  EXPECT_NE(text.find("\nonly-client = @" + list.path() + "  # "), std::string::npos) << text;
  EXPECT_NE(text.find("\nonly-client = 192.0.2.1  # "), std::string::npos) << text;
  EXPECT_EQ(text.find("10.0.0.0"), std::string::npos) << text;
  EXPECT_EQ(scope.only_client.superfluous, "10.1.0.0/16 (" + list.path() + ":5)");
}

TEST(ScopeLists, MayBeginWithAByteOrderMark) {
  const TemporaryFile list(
      "\xEF\xBB\xBF"
      "a.de\r\nb.de\r\n");
  const Scope scope = scope_of({"--exempt-sender=@" + list.path()});
  EXPECT_FALSE(scope.has_sender("<x@a.de>", {}));
  EXPECT_FALSE(scope.has_sender("<x@b.de>", {}));
  EXPECT_TRUE(scope.has_sender("<x@c.de>", {}));
}

TEST(ScopeLists, OfNothingMatchNothing) {
  const TemporaryFile list("# none yet\n");
  EXPECT_FALSE(scope_of({"--only-client=@" + list.path()}).has_client("192.0.2.1"));
  EXPECT_FALSE(scope_of({"--only-recipient=@" + list.path()}).has_recipient("<a@b.de>"));
  EXPECT_TRUE(scope_of({"--exempt-client=@" + list.path()}).has_client("192.0.2.1"));
}

TEST(ScopeLists, ErrorsNameTheirLine) {
  const auto error = [](const std::string& text) {
    const TemporaryFile list(text);
    std::string line = argument_error({"--exempt-sender=@" + list.path()});
    const auto at = line.find(list.path());
    if (at != std::string::npos) line.replace(at, list.path().size(), "LIST");
    return line;
  };
  EXPECT_EQ(error("a.de\nb@\n"),
            "LIST:2: exempt-sender: only a domain, as example.com, or .example.com for it and all below it");
  EXPECT_EQ(error("\n\na,b\n"),
            "LIST:3: exempt-sender: one value at a time: give the option again, or a file @/path of many");
  EXPECT_EQ(error("@/etc/passwd\n"), "LIST:1: exempt-sender: a list file does not name another");
  EXPECT_EQ(error(std::string(4097, 'x')), "LIST:1: exempt-sender: the line is over 4096 octets");
  EXPECT_EQ(error(std::string("a\0b\n", 4)),
            "LIST:1: exempt-sender: only a domain, as example.com, or .example.com for it and all below it");
  EXPECT_EQ(error(std::string(std::size_t{1} << 24, '\n') + "\n"),
            "command line: exempt-sender: cannot read LIST: it is over 16777216 octets");
  EXPECT_EQ(argument_error({"--exempt-sender=@/nonexistent/list"}),
            "command line: exempt-sender: cannot read /nonexistent/list: No such file or directory");
  EXPECT_EQ(argument_error({"--exempt-sender=@/dev/zero"}),
            "command line: exempt-sender: cannot read /dev/zero: it is not a regular file");
  EXPECT_EQ(argument_error({"--exempt-sender=@list"}), "command line: exempt-sender: write the domain without \"@\"");
}

/// Not a benchmark: what is linear for each message would take minutes here.
TEST(ScopeLists, LongOnesCostNoTimeOfTheirLength) {
  std::string networks, senders;
  for (int i = 0; i < 100000; ++i) {
    const std::string low = std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
    networks += std::to_string(10 + i / 65536) + "." + low + ".0/24\n";
    senders += "user" + std::to_string(i) + "@example.com\n." + std::to_string(i) + ".example\n";
  }
  const TemporaryFile clients(networks);
  const TemporaryFile list(senders);
  const Scope scope = scope_of({"--exempt-client=@" + clients.path(), "--exempt-sender=@" + list.path()});
  EXPECT_TRUE(scope.exempt_client.superfluous.empty());
  std::string labels;
  for (int i = 0; i < 30000; ++i) labels += "a.";
  const std::string longest = "<a@" + labels + "7.example>";
  for (int i = 0; i < 20000; ++i) {
    ASSERT_FALSE(scope.has_client("10.200.3.4"));
    ASSERT_TRUE(scope.has_client("9.200.3.4"));
    ASSERT_FALSE(scope.has_sender("<user99999@example.com>", {}));
    ASSERT_FALSE(scope.has_sender("<x@a.99999.example>", {}));
    ASSERT_TRUE(scope.has_sender("<user100000@example.com>", {}));
  }
  EXPECT_FALSE(scope.has_sender(longest, {}));
}

}  // namespace
