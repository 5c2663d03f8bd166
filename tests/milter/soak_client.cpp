#include "soak_client.h"

#include <cstdio>
#include <exception>

#include "octets.h"
#include "service.h"
#include "tests/eml.h"

namespace soak {

using fake_mta::Message;
using fake_mta::Modification;
using fake_mta::Outcome;
using fake_mta::Session;
namespace code = fake_mta::code;

namespace {

constexpr fake_mta::Terms replies_wanted = {6, fake_mta::action::all, 0x7f};

Message affected_message(std::size_t fields) {
  std::string header = "From: a@example.com\nX-Mailer: Python\n";
  constexpr std::array names = {"Message-ID:", "In-Reply-To:", "References:"};
  for (std::size_t i = 0; i < fields; ++i) header.append(names[i]).append(encoded_body).append("\n");
  Message made;
  made.fields = eml::header_of(header);
  return made;
}

Message clean_message_of_20_fields() {
  std::string header = "Message-ID: <clean.1@example.com>\nReferences: <a@example.com>\n\t<b@example.com>\n";
  for (int i = 0; i < 18; ++i) header += "X-Field-" + std::to_string(i) + ": something that is of no interest\n";
  Message made;
  made.fields = eml::header_of(header);
  return made;
}

/// Over the header-size that the daemon is started with.
Message too_large_message() {
  Message made = affected_message(1);
  for (int i = 0; i < 3; ++i)
    made.fields.push_back({"References", " <" + std::string(3000, 'x') + "@example.com>", i + 1});
  return made;
}

}  // namespace

Client::Client(const std::string& address, Sent& sent, unsigned seed)
    : address_(address),
      sent_(sent),
      random_(seed),
      clean_(clean_message_of_20_fields()),
      affected_{affected_message(1), affected_message(2), affected_message(3)},
      too_large_(too_large_message()) {}

std::size_t Client::below(std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
}

fake_mta::Terms Client::drawn_terms(std::size_t one_of) {
  return below(one_of) == 0 ? replies_wanted : fake_mta::Terms{};
}

void Client::one_session() {
  const std::size_t draw = below(100);
  const Kind kind = draw < 70   ? normal
                    : draw < 76 ? aborted
                    : draw < 79 ? too_large
                    : draw < 83 ? pipelined
                    : draw < 88 ? half_closed
                    : draw < 92 ? hung_up
                    : draw < 95 ? wrong_length
                    : draw < 98 ? unknown_command
                                : silent;
  ++sent_.kinds[kind];
  try {
    one(kind);
  } catch (const std::exception& error) {
    if (++sent_.errors < 10) std::fprintf(stderr, "%s: %s\n", kind_names[kind], error.what());
  }
}

Session Client::begin() {
  Session mta(address_);
  mta.negotiate(drawn_terms(10));
  ++sent_.sessions;
  mta.connect_info("mail.example.com", "192.0.2.1");
  mta.helo("mail.example.com");
  return mta;
}

void Client::message(Session& mta) {
  const std::size_t draw = below(100);
  if (draw >= 5) {
    expect(mta.send(clean_), 0, sent_.clean);
  } else {
    const std::size_t fields = 1 + draw % 3;
    expect(mta.send(affected_[fields - 1]), fields, sent_.affected);
  }
}

void Client::expect(const Outcome& outcome, std::size_t edits, Number& counter) {
  bool is_right = outcome.modifications.size() == edits && outcome.verdict == code::go_on;
  for (const Modification& edit : outcome.modifications)
    is_right = is_right && edit.instance == 1 && edit.body.ends_with(decoded_id);
  sent_.wrong_answers += is_right ? 0 : 1;
  sent_.edits += edits;
  ++counter;
}

void Client::end(Session& mta) {
  mta.quit();
  if (!mta.rest().empty()) ++sent_.wrong_answers;
}

/// The first `octets` of a session of two messages, one of them affected: what is counted of it.
void Client::count_raw(const std::vector<std::string>& packets, std::size_t octets) {
  std::size_t end = 0;
  bool is_affected = false;
  bool is_new = false;
  for (const std::string& packet : packets) {
    end += packet.size();
    if (end > octets) return;
    const char command = packet[4];
    is_affected = is_affected || (command == code::header && packet.find("=?utf-8?q?") != packet.npos);
    sent_.sessions += command == code::negotiate || (command == code::connect && is_new) ? 1 : 0;
    is_new = command == code::quit_new_connection;
    if (command != code::end_of_message) continue;
    ++(is_affected ? sent_.affected : sent_.clean);
    sent_.edits += is_affected ? 1 : 0;
    is_affected = false;
  }
}

void Client::one(Kind kind) {
  if (kind == normal || kind == aborted || kind == too_large) {
    in_protocol(kind);
  } else if (kind == silent) {
    Session(address_).hang_up();
  } else {
    in_octets(kind);
  }
}

void Client::in_protocol(Kind kind) {
  Session mta = begin();
  if (kind == normal) {
    for (std::size_t i = 1 + below(below(4) == 0 ? 100 : 5); i-- > 0;) message(mta);
  } else if (kind == aborted) {
    mta.begin(affected_[0]);
    mta.abort();
    message(mta);
    mta.mail("<a@example.com>");
    mta.abort();
    message(mta);
  } else {
    expect(mta.send(too_large_), 0, sent_.unread);
    message(mta);
  }
  end(mta);
}

void Client::in_octets(Kind kind) {
  const std::vector<std::string> packets = hostile::whole_session(drawn_terms(2));
  const std::string octets = hostile::joined(packets);
  const std::string begun = hostile::offer() + hostile::command(code::connect) + hostile::command(code::mail);
  if (kind == pipelined || kind == half_closed) {
    const std::size_t cut = kind == pipelined ? octets.size() : below(octets.size());
    count_raw(packets, cut);
    Session(address_).exchange(std::string_view(octets).substr(0, cut));
  } else if (kind == hung_up) {
    // Before the first message ends: whether an end is counted whose answer nobody takes, is not certain.
    std::size_t most = 0;
    for (std::size_t i = 0; packets[i][4] != code::end_of_message; ++i) most += packets[i].size();
    const std::size_t cut = below(most);
    count_raw(packets, cut);
    Session mta(address_);
    mta.send_raw(std::string_view(octets).substr(0, cut));
  } else if (kind == wrong_length) {
    constexpr std::array<std::uint32_t, 8> lengths = {0,          1,          65535,      65537,
                                                      0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
    ++sent_.sessions;
    Session(address_).exchange(begun + hostile::packet_of_length(lengths[below(lengths.size())], code::header, "x"));
  } else {
    ++sent_.sessions;
    Session(address_).exchange(begun + hostile::packet(static_cast<char>(128 + below(128))));
  }
}

}  // namespace soak
