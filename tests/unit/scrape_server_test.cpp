#include "milter/scrape_server.h"

#include <gtest/gtest.h>

namespace {

std::string status_of(std::string_view request) {
  const std::string answer = milter::http_answer(request, [] { return std::string("text"); });
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 ")) << answer;
  EXPECT_NE(answer.find("\r\nConnection: close\r\n\r\n"), answer.npos) << answer;
  return answer.substr(9, 3);
}

TEST(ScrapeServer, OnlyMetricsAreServed) {
  const std::pair<const char*, const char*> cases[] = {
      {"GET /metrics HTTP/1.1", "200"},
      {"GET /metrics HTTP/1.1\r\nHost: x", "200"},
      {"GET /metrics HTTP/1.0", "200"},
      {"GET /metrics?name=x HTTP/1.1", "200"},
      {"HEAD /metrics HTTP/1.1", "200"},
      {"POST /metrics HTTP/1.1", "405"},
      {"get /metrics HTTP/1.1", "405"},
      {"GET / HTTP/1.1", "404"},
      {"GET /metricsx HTTP/1.1", "404"},
      {"GET /metrics/ HTTP/1.1", "404"},
      {"GET //metrics HTTP/1.1", "404"},
      {"GET http://x/metrics HTTP/1.1", "404"},
      {"GET /../../etc/passwd HTTP/1.1", "404"},
      {"GET  /metrics HTTP/1.1", "404"},
      {"GET /metrics", "400"},
      {"GET /metrics HTTP/2.0", "400"},
      {"GET /metrics\r\nX: y HTTP/1.1", "400"},
      {"GET HTTP/1.1", "400"},
      {"", "400"},
      {" ", "400"},
      {"  ", "400"},
      {"\r\n", "400"},
  };
  for (const auto& [request, status] : cases) EXPECT_EQ(status_of(request), status) << request;
}

TEST(ScrapeServer, HeadHasTheLengthWithoutTheBody) {
  const auto text = [] { return std::string("four"); };
  const std::string get = milter::http_answer("GET /metrics HTTP/1.1", text);
  const std::string head = milter::http_answer("HEAD /metrics HTTP/1.1", text);
  EXPECT_NE(get.find("\r\nContent-Length: 4\r\n"), get.npos) << get;
  EXPECT_EQ(head + "four", get);
  const std::string get_other = milter::http_answer("GET / HTTP/1.1", text);
  EXPECT_EQ(milter::http_answer("HEAD / HTTP/1.1", text) + "404 Not Found\n", get_other);
}

// RFC 9110, section 15.5.6.
TEST(ScrapeServer, ARefusedMethodIsToldTheOthers) {
  const std::string answer = milter::http_answer("POST /metrics HTTP/1.1", [] { return std::string(); });
  EXPECT_NE(answer.find("\r\nAllow: GET, HEAD\r\n"), answer.npos) << answer;
}

TEST(ScrapeServer, NothingOfARequestComesBack) {
  const std::string answer = milter::http_answer("GET /<script> HTTP/1.1\r\nX: <script>", [] { return std::string(); });
  EXPECT_EQ(answer.find("script"), answer.npos) << answer;
}

TEST(ScrapeServer, TextIsAskedForOnlyWhereItIsWanted) {
  int asked = 0;
  const auto text = [&] {
    ++asked;
    return std::string();
  };
  milter::http_answer("GET / HTTP/1.1", text);
  milter::http_answer("POST /metrics HTTP/1.1", text);
  EXPECT_EQ(asked, 0);
  milter::http_answer("GET /metrics HTTP/1.1", text);
  EXPECT_EQ(asked, 1);
}

}  // namespace
