// The MTA's end of the milter protocol, version 6, for tests: a session reads like an SMTP transaction.
//
//   fake_mta::Session mta("unix:/path/socket");
//   mta.negotiate();
//   mta.connect_info("mail.example.com", "192.0.2.1");
//   fake_mta::Outcome outcome = mta.send(message);      // or mail(), rcpt(), data(), header() ... one by one
//
// It does what Postfix 3.7 does (src/milter/milter8.c) where that can matter to a filter: macros go out before every
// packet, even before one that was asked away; one SP (not TAB) is cut off a field body unless HDR_LEADSPC was
// negotiated; what goes out is gathered up to 4096 octets or until an answer is needed, and once more at DATA, where
// smtpd gives the connection to cleanup. TCP_NODELAY is not set, as Postfix does not set it.
//
// What was agreed on is honoured: a step asked away is not sent, nor one that the version of the protocol does not have
// (DATA before 4, unknown commands before 3), and a reply is waited for where there is to be one.
// Every wait has a deadline. A filter that breaks the protocol, hangs up or is late gives a ProtocolError.
#ifndef FAKE_MTA_H
#define FAKE_MTA_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "msgid/field.h"

namespace fake_mta {

/// What a filter may do to a message (SMFIF_*).
namespace action {
inline constexpr std::uint32_t change_header = 0x10;
inline constexpr std::uint32_t all = 0x1ff;
inline constexpr std::uint32_t version_1 = 0x0f;
inline constexpr std::uint32_t version_2 = 0x3f;
}  // namespace action

/// Protocol bits (SMFIP_*): no_ is a step not to be sent, nr_ a step without a reply.
namespace bit {
inline constexpr std::uint32_t no_connect = 0x1;
inline constexpr std::uint32_t no_helo = 0x2;
inline constexpr std::uint32_t no_mail = 0x4;
inline constexpr std::uint32_t no_rcpt = 0x8;
inline constexpr std::uint32_t no_body = 0x10;
inline constexpr std::uint32_t no_header = 0x20;
inline constexpr std::uint32_t no_eoh = 0x40;
inline constexpr std::uint32_t nr_header = 0x80;
inline constexpr std::uint32_t no_unknown = 0x100;
inline constexpr std::uint32_t no_data = 0x200;
inline constexpr std::uint32_t skip = 0x400;
inline constexpr std::uint32_t rejected_rcpt = 0x800;
inline constexpr std::uint32_t nr_connect = 0x1000;
inline constexpr std::uint32_t nr_helo = 0x2000;
inline constexpr std::uint32_t nr_mail = 0x4000;
inline constexpr std::uint32_t nr_rcpt = 0x8000;
inline constexpr std::uint32_t nr_data = 0x10000;
inline constexpr std::uint32_t nr_unknown = 0x20000;
inline constexpr std::uint32_t nr_eoh = 0x40000;
inline constexpr std::uint32_t nr_body = 0x80000;
inline constexpr std::uint32_t leading_space = 0x100000;
inline constexpr std::uint32_t all = 0x1fffff;
inline constexpr std::uint32_t version_1 = 0x3f;
inline constexpr std::uint32_t version_2 = 0x7f;
inline constexpr int count = 21;
}  // namespace bit

/// Codes of packets: what is sent (SMFIC_*) and what is answered (SMFIR_*).
namespace code {
inline constexpr char abort = 'A';
inline constexpr char body = 'B';
inline constexpr char connect = 'C';
inline constexpr char macro = 'D';
inline constexpr char end_of_message = 'E';
inline constexpr char helo = 'H';
inline constexpr char quit_new_connection = 'K';
inline constexpr char header = 'L';
inline constexpr char mail = 'M';
inline constexpr char end_of_header = 'N';
inline constexpr char negotiate = 'O';
inline constexpr char quit = 'Q';
inline constexpr char rcpt = 'R';
inline constexpr char data = 'T';
inline constexpr char unknown = 'U';

inline constexpr char go_on = 'c';
inline constexpr char accept = 'a';
inline constexpr char change_header = 'm';
inline constexpr char progress = 'p';
}  // namespace code

struct ProtocolError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One side of a negotiation: what the MTA offers, or what the filter asks for.
struct Terms {
  std::uint32_t version = 6;
  std::uint32_t actions = action::all;
  std::uint32_t protocol = bit::all;
};

struct Packet {
  char code = 0;
  std::string data;
};

/// A change the filter asks for. Of any code but change_header only `body` is set, to the packet's data.
struct Modification {
  char code = 0;
  int instance = 0;
  std::string name;
  std::string body;

  friend bool operator==(const Modification&, const Modification&) = default;
};

/// The filter's answer to the end of a message.
struct Outcome {
  std::vector<Modification> modifications;  ///< in the order sent
  char verdict = 0;                         ///< SMFIR_*: code::go_on or code::accept where the message passes
};

struct Message {
  std::string queue_id = "4XyZ01234z";  ///< macro "i" from DATA on; empty: the MTA gives none
  std::string sender = "<sender@example.com>";
  std::vector<std::string> recipients = {"<rcpt@example.com>"};
  msgid::FieldList fields;  ///< bodies as in field.h, with the space after the colon
  std::string body = "text\r\n";
};

/// A header after an MTA carried out change-header modifications, in the order given.
struct Changed {
  msgid::FieldList fields;
  int appended = 0;  ///< an instance that does not exist becomes a new field: never what a filter meant
  int deleted = 0;   ///< an empty body deletes
  int other = 0;     ///< modifications that are not change-header
};
Changed apply(const msgid::FieldList& fields, std::span<const Modification> modifications, bool leading_space = true);

class Session {
 public:
  using Macros = std::vector<std::pair<std::string, std::string>>;
  /// Of a step: the filter's reply; none where none was to come.
  using Reply = std::optional<char>;

  /// Connects to "unix:/path", "inet:port@host" or "inet6:port@host".
  explicit Session(const std::string& address, std::chrono::milliseconds deadline = std::chrono::seconds(20));
  ~Session();
  Session(Session&& other) noexcept;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session& operator=(Session&&) = delete;

  /// Offers, and gives what the filter asks for. Whether that is in the offer is the test's to judge.
  Terms negotiate(const Terms& offer = {});

  Reply connect_info(const std::string& host, const std::string& ip_address, std::uint16_t port = 25252);
  Reply connect_info_unknown(const std::string& host);  ///< a client that Postfix knows nothing about
  Reply helo(const std::string& name);
  Reply mail(const std::string& sender);
  Reply rcpt(const std::string& recipient);
  Reply data();
  Reply header(const std::string& name, const std::string& body);
  Reply end_of_header();
  void body(std::string_view octets);         ///< sent in chunks; the last one with the end of the message
  Reply body_chunk(std::string_view octets);  ///< sent as it is, as Postfix and Sendmail send the last one too
  Reply unknown(const std::string& command);  ///< an SMTP command that the MTA does not know
  Outcome end_of_message();
  void abort();
  void quit();
  void quit_new_connection();

  /// mail() to body(), with the queue id of the message; end_of_message() is still to come.
  void begin(const Message& message);
  /// A whole message.
  Outcome send(const Message& message);

  /// Sets TCP_NODELAY, which no MTA does: for tests that send small packets without an answer between them by the
  /// thousand, and would wait 40 ms for each.
  void do_not_delay();

  /// Of `waiting` octets, returns how many the next write sends; 0 leaves them for later. Octets that an answer depends
  /// on cannot be left: 0 counts as 1 there.
  using WriteSize = std::function<std::size_t(std::size_t waiting)>;
  /// Writes what `size` says instead of what Postfix would gather: parts of packets, several packets, two messages'
  /// packets together.
  void set_write_size(WriteSize size);

  /// Macros that go out before each packet of that step (a packet's code).
  void set_macros(char step, Macros macros);
  /// Macro "i", from DATA to the end of the message; empty: not sent.
  void set_queue_id(const std::string& queue_id);

  /// For tests of hostile or broken MTAs. A packet's length counts its code.
  void send_raw(std::string_view octets);
  void send_packet(char code, std::string_view data);
  void send_packet_of_length(std::uint32_t length, char code, std::string_view data);
  Packet read_packet();
  /// What the filter sends until it closes the connection, read ahead or not; a ProtocolError if it does not.
  std::string rest();
  void hang_up();
  void half_close();  ///< nothing more is sent; what comes can still be read
  void reset();       ///< hangs up; what was sent and not yet read is lost (TCP)
  /// Sends, and closes that half; reads at the same time, until the filter closes the connection. What the filter has
  /// sent, as in rest(). A filter that closes before it has read all is no error here.
  std::string exchange(std::string_view octets);

 private:
  Reply step(char code, std::string_view data, std::uint32_t no_bit, std::uint32_t nr_bit);
  void put(char code, std::string_view data);
  void put_macros(char step);
  void flush();
  void flush_some();
  void write_out(std::size_t octets);
  void connect_unix(const std::string& path);
  void connect_tcp(const std::string& port_at_host, int family);
  bool fill(std::chrono::steady_clock::time_point end);
  char read_reply();

  int fd_ = -1;
  std::chrono::milliseconds deadline_;
  Terms terms_;
  std::map<char, Macros> macros_;
  WriteSize write_size_;
  std::string body_;
  std::string out_;
  std::string in_;
  std::size_t in_at_ = 0;
};

}  // namespace fake_mta

#endif
