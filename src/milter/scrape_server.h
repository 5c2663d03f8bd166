// Serves one text over HTTP, for Prometheus to scrape. Nothing else: GET or HEAD of /metrics, one answer a connection.
//
// One thread, for which mail never waits. Clients are hostile: so many at a time, so many octets and so much
// time each, then they are hung up on. The time is short while others wait, so that clients who connect again and again
// do not keep a scrape waiting: it waits for at most scrape_patience for each max_scrapers of them.
#ifndef MSGID_MILTER_SCRAPE_SERVER_H
#define MSGID_MILTER_SCRAPE_SERVER_H

#include <chrono>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "config/settings.h"

namespace milter {

inline constexpr std::size_t max_scrapers = 16;  ///< at a time; more wait
inline constexpr std::size_t max_request_octets = 8 * 1024;
inline constexpr int scrape_seconds = 5;  ///< from a client's connection to the end of its answer
/// The same where max_scrapers are connected and another waits: then the oldest is hung up on. A scraper sends its
/// request at once, and what it has not read yet of the answer is in the kernel.
inline constexpr std::chrono::milliseconds scrape_patience{100};

/// The answer to a request, head and body. `request` is all up to the empty line, without empty lines before it. `text`
/// is asked only for what is wanted.
///
///   request-line    = method SP request-target SP HTTP-version         ; RFC 9112 3
///   request-target  = origin-form / absolute-form                      ; RFC 9112 3.2, of those that are answered
///   origin-form     = "/" path [ "?" query ]
///   absolute-form   = "http://" authority [ "/" path ] [ "?" query ]   ; the authority is not looked at
///   HTTP-version    = "HTTP/1." DIGIT                                  ; of those that are answered
///
/// A line ends in CRLF or LF (RFC 9112 2.2).
std::string http_answer(std::string_view request, const std::function<std::string()>& text);

class ScrapeServer {
 public:
  using Text = std::function<std::string()>;

  /// Listens at an address and a port, and begins to serve. `text` is called in a thread that takes no signals. Throws
  /// std::system_error.
  ScrapeServer(const config::Endpoint& where, Text text);
  /// Ends at once; answers under way are cut.
  ~ScrapeServer();
  ScrapeServer(const ScrapeServer&) = delete;
  ScrapeServer& operator=(const ScrapeServer&) = delete;

 private:
  void begin_thread();
  void serve() noexcept;

  Text text_;
  int listener_ = -1;
  int stop_ = -1;  ///< readable: the thread is to end
  std::thread thread_;
};

}  // namespace milter

#endif
