// Where the MTA connects to, in every spelling that administrators bring from Postfix and from libmilter.
#include <gtest/gtest.h>

#include <string>

#include "config/settings.h"

namespace {

using config::Endpoint;
using config::parse_endpoint;

struct Good {
  std::string text;
  std::string canonical;
  std::string host;
  int port;
  bool is_ipv6;
};

TEST(Endpoint, TcpInAllSpellings) {
  const Good cases[] = {
      // libmilter's
      {"inet:8891@localhost", "inet:8891@localhost", "localhost", 8891, false},
      {"inet:8891@127.0.0.1", "inet:8891@127.0.0.1", "127.0.0.1", 8891, false},
      {"inet:8891@[127.0.0.1]", "inet:8891@127.0.0.1", "127.0.0.1", 8891, false},
      {"inet:8891", "inet:8891", "", 8891, false},
      {"inet6:8891", "inet6:8891", "", 8891, true},
      {"inet6:8891@[::1]", "inet6:8891@[::1]", "::1", 8891, true},
      {"inet6:8891@::1", "inet6:8891@[::1]", "::1", 8891, true},
      {"inet6:8891@mx.example.com", "inet6:8891@mx.example.com", "mx.example.com", 8891, true},
      {"inet:1@a", "inet:1@a", "a", 1, false},
      {"inet:65535@a_b-c.example", "inet:65535@a_b-c.example", "a_b-c.example", 65535, false},
      // Postfix's
      {"inet:localhost:8891", "inet:8891@localhost", "localhost", 8891, false},
      {"inet:127.0.0.1:8891", "inet:8891@127.0.0.1", "127.0.0.1", 8891, false},
      {"inet:[127.0.0.1]:8891", "inet:8891@127.0.0.1", "127.0.0.1", 8891, false},
      {"inet:[::1]:8891", "inet6:8891@[::1]", "::1", 8891, true},
      // between the two
      {"inet:8891@::1", "inet6:8891@[::1]", "::1", 8891, true},
      {"inet:8891@[2001:db8::2]", "inet6:8891@[2001:db8::2]", "2001:db8::2", 8891, true},
      {"inet6:[::1]:8891", "inet6:8891@[::1]", "::1", 8891, true},
      {"inet6:localhost:8891", "inet6:8891@localhost", "localhost", 8891, true},
  };
  for (const Good& good : cases) {
    SCOPED_TRACE(good.text);
    const Endpoint endpoint = parse_endpoint(good.text);
    EXPECT_TRUE(endpoint.is_set());
    EXPECT_FALSE(endpoint.is_unix);
    EXPECT_EQ(endpoint.host, good.host);
    EXPECT_EQ(endpoint.port, good.port);
    EXPECT_EQ(endpoint.is_ipv6, good.is_ipv6);
    EXPECT_EQ(endpoint.for_libmilter(), good.canonical);
    EXPECT_EQ(parse_endpoint(good.canonical).for_libmilter(), good.canonical);
  }
}

TEST(Endpoint, UnixSocket) {
  const std::string longest = "/" + std::string(106, 'x');
  for (const std::string& path : {std::string("/run/x.sock"), std::string("/a b:c@d"), longest}) {
    for (const char* kind : {"unix:", "local:"}) {
      const Endpoint endpoint = parse_endpoint(kind + path);
      EXPECT_TRUE(endpoint.is_set());
      EXPECT_TRUE(endpoint.is_unix);
      EXPECT_EQ(endpoint.path, path);
      EXPECT_EQ(endpoint.for_libmilter(), "unix:" + path);
    }
  }
}

TEST(Endpoint, NotSet) {
  EXPECT_FALSE(Endpoint{}.is_set());
}

std::string refusal(const std::string& text) {
  try {
    return "taken as " + parse_endpoint(text).for_libmilter();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(Endpoint, RefusalsTellTheRemedy) {
  const std::string kinds = "only unix:/path, inet:port@host, inet6:port@host or inet:host:port";
  const std::string port_range = "the port is not a number from 1 to 65535";
  const std::pair<std::string, std::string> cases[] = {
      {"", kinds},
      {"unix", kinds},
      {"inet", kinds},
      {"localhost:8891", kinds},
      {"8891@localhost", kinds},
      {"tcp:8891@localhost", kinds},
      {"UNIX:/run/x.sock", kinds},
      {"/run/x.sock", "a path needs its kind before it: unix:/run/x.sock"},
      {"unix:", "the path must be absolute: unix:/path"},
      {"unix:run/x.sock", "the path must be absolute: unix:/path"},
      {"unix:/run/", "the path is that of a directory"},
      {"unix:/" + std::string(107, 'x'), "the path is over 107 octets"},
      {"inet:", "there is no port: inet:port@host or inet:host:port"},
      {"inet:localhost", "there is no port: inet:port@host or inet:host:port"},
      {"inet:[::1]", "there is no port: inet:port@host or inet:host:port"},
      {"inet6:localhost", "there is no port: inet6:port@host or inet6:host:port"},
      {"inet:localhost@8891", "the port comes before the \"@\": inet:8891@localhost"},
      {"inet:8891:localhost", "the port comes last: inet:localhost:8891"},
      {"inet:8891@", "there is no host behind the \"@\""},
      {"inet::8891", "there is no host before the \":\"; for every interface write inet:port"},
      {"inet:::1:8891", "an IPv6 address needs brackets: inet:[::1]:8891"},
      {"inet6:::1:8891", "an IPv6 address needs brackets: inet6:[::1]:8891"},
      {"inet:0@localhost", port_range},
      {"inet:65536@localhost", port_range},
      {"inet:99999999999999999999@localhost", port_range},
      {"inet:-1@localhost", port_range},
      {"inet:+25@localhost", port_range},
      {"inet: 25@localhost", port_range},
      {"inet:smtp@localhost", port_range},
      {"inet:@localhost", port_range},
      {"inet:localhost:", port_range},
      {"inet:0", port_range},
      {"inet:8891@[::1", "\"[\" without \"]\""},
      {"inet:8891@[localhost]", "no address between the brackets"},
      {"inet:8891@[]", "no address between the brackets"},
      {"inet6:8891@fe80::1%eth0", "the host is not an IPv6 address"},
      {"inet:8891@a@b", "the host is neither a name nor an address"},
      {"inet:8891@*", "the host is neither a name nor an address"},
      {"inet:8891@a b", "the host is neither a name nor an address"},
      {"inet:8891@" + std::string(254, 'a'), "the host is neither a name nor an address"},
      {"inet:8891@127.0.0.256", "the host is not an IPv4 address"},
      {"inet:8891@1", "the host is not an IPv4 address"},
      {"inet6:8891@127.0.0.1", "an IPv4 address goes with inet:, not inet6:"},
  };
  for (const auto& [text, reason] : cases) EXPECT_EQ(refusal(text), reason) << text;
}

TEST(Endpoint, MetricsAreOnLoopbackUnlessToldOtherwise) {
  const Good cases[] = {
      {"9891", "127.0.0.1:9891", "127.0.0.1", 9891, false},
      {":9891", "127.0.0.1:9891", "127.0.0.1", 9891, false},
      {"127.0.0.1:1", "127.0.0.1:1", "127.0.0.1", 1, false},
      {"[127.0.0.1]:1", "127.0.0.1:1", "127.0.0.1", 1, false},
      {"0.0.0.0:65535", "0.0.0.0:65535", "0.0.0.0", 65535, false},
      {"[::1]:9891", "[::1]:9891", "::1", 9891, true},
      {"[::]:9891", "[::]:9891", "::", 9891, true},
  };
  for (const Good& good : cases) {
    const Endpoint endpoint = config::parse_metrics_address(good.text);
    EXPECT_EQ(endpoint.host, good.host) << good.text;
    EXPECT_EQ(endpoint.port, good.port) << good.text;
    EXPECT_EQ(endpoint.is_ipv6, good.is_ipv6) << good.text;
    EXPECT_EQ(endpoint.host_and_port(), good.canonical) << good.text;
  }
}

TEST(Endpoint, RefusedForMetrics) {
  const std::string no_port = "there is no port: ADDRESS:PORT";
  const std::string port_range = "the port is not a number from 1 to 65535";
  const std::string no_address =
      "only an address before the port, no name: 127.0.0.1:9891 for this machine, 0.0.0.0:9891 for all";
  const std::pair<std::string, std::string> cases[] = {
      {"", port_range},
      {":", port_range},
      {"0", port_range},
      {"65536", port_range},
      {"127.0.0.1:", port_range},
      {"127.0.0.1:http", port_range},
      {"127.0.0.1:+1", port_range},
      {"127.0.0.1: 1", port_range},
      {"127.0.0.1", no_port},
      {"[::1]", no_port},
      {"::1:9891", "an IPv6 address needs brackets: [::1]:9891"},
      {"[::1:9891", "\"[\" without \"]\""},
      {"[x]:9891", "no address between the brackets"},
      {"localhost:9891", no_address},
      {"*:9891", no_address},
      {"127.1:9891", no_address},
      {"127.0.0.1:1,0.0.0.0:2", no_address},
  };
  for (const auto& [text, reason] : cases) {
    try {
      config::parse_metrics_address(text);
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(error.what(), reason) << text;
    }
  }
}

}  // namespace
