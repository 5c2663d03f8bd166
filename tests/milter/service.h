// msgid-milter on a socket of its own, and messages to send to it.
#ifndef SERVICE_H
#define SERVICE_H

#include <sys/socket.h>

#include <string>
#include <vector>

#include "daemon.h"
#include "fake_mta.h"

/// A body that CPython 3.7 made of the id below it, in the shape that was reported: cut in the middle of the id.
inline constexpr const char* encoded_body =
    " =?utf-8?q?=3C162193893844=2E19864=2E11243857306847327486=40web01=2Eexamp?=\n =?utf-8?q?le=2Ecom=3E?=";
inline constexpr const char* decoded_id = "<162193893844.19864.11243857306847327486@web01.example.com>";

/// The program under test: MSGID_MILTER of the environment, or the build's.
std::string program();

/// Whether the service has the transport: the environment variable MSGID_TRANSPORT can be "off". A test of what only
/// the transport can do is skipped without it.
bool has_transport();
#define SKIP_WITHOUT_TRANSPORT() \
  if (!has_transport()) GTEST_SKIP() << "transport = off"

/// What every start of the program is given here: no file of this machine but one in `options`, the log where we can
/// read it, and a user where root is not taken.
std::vector<std::string> arguments(const std::vector<std::string>& options);

class Service {
 public:
  enum class Family { unix_socket, tcp };

  /// Starts the daemon and waits until it serves; throws if it does not.
  explicit Service(const std::vector<std::string>& options = {}, Family family = Family::unix_socket);

  /// Stops the daemon; a test fails whose daemon does not end with status 0 (so do leaks, under AddressSanitizer).
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const std::string& address() const { return address_; }
  fake_mta::Daemon& daemon() { return *daemon_; }

  /// A session of the client mail.example.com[192.0.2.1].
  fake_mta::Session session(const fake_mta::Terms& offer = {});

  /// Stops the daemon, and gives what it logged between starting and stopping, without the prefix "msgid-milter: ".
  std::vector<std::string> log();

 private:
  void stop();

  fake_mta::SocketDirectory directory_;
  std::string address_;
  std::optional<fake_mta::Daemon> daemon_;
};

/// A message with this header ("Name: body\n...").
fake_mta::Message message(std::string_view header);

/// A message whose Message-ID is encoded_body.
fake_mta::Message reported_message();

/// A message nothing is wrong with.
fake_mta::Message clean_message();

/// The one edit reported_message() is to get.
std::vector<fake_mta::Modification> reported_edit();

/// Sends quit and checks that the filter answers with nothing but the end of the connection.
void quit(fake_mta::Session& mta);

#endif
