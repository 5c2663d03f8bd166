#include "strange_session.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "msgid/inspect.h"

namespace strange {

namespace action = fake_mta::action;
namespace bit = fake_mta::bit;
namespace code = fake_mta::code;
using fake_mta::Modification;
using fake_mta::Terms;
using msgid::Field;
using msgid::FieldList;

namespace {

constexpr std::uint32_t first_version_with_unknown = 3;
constexpr std::uint32_t first_version_with_data = 4;

const msgid::Policy& policy() {
  static const msgid::Policy made;
  return made;
}

/// libmilter (8.17.1) reads an offer of nothing as an offer of version 1.
Terms effective(Terms offer) {
  if (offer.actions == 0) offer.actions = action::version_1;
  if (offer.protocol == 0) offer.protocol = bit::version_1;
  return offer;
}

void expect(bool is_right, const std::string& what) {
  if (!is_right) throw std::runtime_error(what);
}

void expect_to_continue(fake_mta::Session::Reply reply) {
  expect(reply.value_or(code::go_on) == code::go_on, std::string("the answer is ") + reply.value_or(code::go_on));
}

/// Replaces what no header can hold: NUL, CR, and LF outside of a fold.
void make_legal(std::string& body) {
  for (std::size_t i = 0; i < body.size(); ++i) {
    const bool is_fold = body[i] == '\n' && i + 1 < body.size() && (body[i + 1] == ' ' || body[i + 1] == '\t');
    if (body[i] == '\0' || body[i] == '\r' || (body[i] == '\n' && !is_fold)) body[i] = '?';
  }
}

std::string with_crlf(std::string body) {
  for (std::size_t at = 0; (at = body.find('\n', at)) != body.npos; at += 2) body.insert(at, "\r");
  return body;
}

/// Returns the body as the daemon must read it. Without HDR_LEADSPC the MTA cuts off one SP, and the daemon puts it
/// back unless the rest is empty or begins with a fold or TAB.
std::string as_read(const std::string& body, bool has_leading_space) {
  if (has_leading_space) return body;
  const std::string sent = body.substr(body.starts_with(' ') ? 1 : 0);
  return sent.empty() || sent.front() == '\n' || sent.front() == '\t' ? sent : " " + sent;
}

/// The last edit first; without HDR_LEADSPC the MTA adds the space.
std::vector<Modification> expected_modifications(const std::vector<msgid::Edit>& edits, bool has_leading_space) {
  std::vector<Modification> expected;
  for (const msgid::Edit& edit : edits) {
    const bool is_added = !has_leading_space && edit.new_body.starts_with(' ');
    expected.push_back({code::change_header, edit.instance, edit.field, edit.new_body.substr(is_added ? 1 : 0)});
  }
  std::reverse(expected.begin(), expected.end());
  return expected;
}

std::string text_of(const std::vector<Modification>& modifications) {
  std::string text;
  for (const Modification& one : modifications)
    text += "\n  " + std::string(1, one.code) + " " + one.name + " " + std::to_string(one.instance) + ":" + one.body;
  return text.empty() ? " none" : text;
}

bool is_same(const FieldList& a, const FieldList& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Field& x, const Field& y) { return x.name == y.name && x.body == y.body; });
}

}  // namespace

void Sent::add(const Sent& more) {
  sessions += more.sessions;
  log_only += more.log_only;
  begun += more.begun;
  clean += more.clean;
  edits += more.edits;
  quit_ncs += more.quit_ncs;
  affected.insert(more.affected.begin(), more.affected.end());
  for (const auto& [name, count] : more.findings) findings[name] += count;
}

void send_widest_session(const std::string& address, Sent& sent) {
  fake_mta::Session mta(address);
  mta.negotiate();
  mta.quit();
  expect(mta.rest().empty(), "the first session got more than an answer to its offer");
  ++sent.sessions;
}

Session::Session(const std::string& address, std::uint64_t seed, std::uint64_t number)
    : name_("S" + std::to_string(number)),
      random_(static_cast<std::uint32_t>(seed * 1'000'003 + number)),
      mta_(address) {
  mta_.do_not_delay();
  write_in_pieces(seed + number);
}

Sent Session::run() {
  try {
    negotiate();
    draw_steps();
    for (at_ = 0; at_ < steps_.size(); ++at_) send(steps_[at_]);

    if (one_in(2)) mta_.quit();
    mta_.send_raw({});  // what still waits to be written
    mta_.half_close();
    expect(mta_.rest().empty(), "there are answers to what must not be answered");
  } catch (const std::exception& error) {
    throw std::runtime_error(failure(error.what()));
  }
  return std::move(sent_);
}

std::string Session::failure(const std::string& what) const {
  std::ostringstream text;
  text << steps_.substr(0, at_) << '[' << steps_.substr(std::min(at_, steps_.size()), 1) << ']'
       << steps_.substr(std::min(at_ + 1, steps_.size())) << ": " << what << "\n(version " << offer_.version << std::hex
       << ", offered actions " << offer_.actions << " and protocol " << offer_.protocol << ", agreed on "
       << agreed_.actions << " and " << agreed_.protocol << ')';
  return text.str();
}

void Session::negotiate() {
  const auto random_bits = [&](std::uint32_t all) { return static_cast<std::uint32_t>(random_.below(all + 1UL)); };
  offer_.version = one_in(2) ? 6 : static_cast<std::uint32_t>(2 + random_.below(5));
  if (one_in(3)) offer_.actions = random_bits(action::all) | (one_in(2) ? action::change_header : 0);
  if (!one_in(4)) offer_.protocol = random_bits(bit::all);
  if (one_in(50)) offer_.protocol = 0;
  if (one_in(50)) offer_.actions = 0;

  agreed_ = mta_.negotiate(offer_);
  const Terms possible = effective(offer_);
  expect(agreed_.version == offer_.version, "the version is not the one offered");
  expect(agreed_.actions == (possible.actions & action::change_header), "the actions are not those expected");
  expect((agreed_.protocol & ~possible.protocol) == 0, "the protocol has bits that were not offered");
  ++sent_.sessions;
  if (agreed_.actions == 0) ++sent_.log_only;
}

/// One session of four keeps the writes of Postfix. The number of pieces depends on the kernel, so their sizes are not
/// drawn from random_.
void Session::write_in_pieces(std::uint64_t seed) {
  if (one_in(4)) return;
  mta_.set_write_size([random = std::mt19937(static_cast<std::uint32_t>(seed))](std::size_t waiting) mutable {
    if (random() % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    switch (random() % 4) {
      case 0:
        return std::size_t{0};
      case 1:
        return std::size_t{1 + random() % 12};
      case 2:
        return std::size_t{1 + random() % 5000};
      default:
        return waiting;
    }
  });
}

/// A step is a letter:
///
///   C connection   H HELO   M MAIL   R RCPT   D DATA   F all fields of the message   f the first of them
///   N end of header   B part of the body   E end of message   e the same, with octets of the body in it
///   A abort   U command that the MTA does not know   K QUIT_NC: a new connection follows   k the same, but ignored
void Session::draw_steps() {
  do {
    add_step('C');
    bool is_connected = true;
    for (std::size_t transactions = random_.below(5); is_connected && transactions > 0; --transactions) {
      while (one_in(3)) add_step("HUA"[random_.below(3)]);
      is_connected = draw_transaction();
    }
    while (is_connected && one_in(4)) add_step("HUA"[random_.below(3)]);
  } while (steps_.size() < 200 && !one_in(4) && draw_quit_nc());
}

/// Returns false where the connection must end after it.
bool Session::draw_transaction() {
  // Version 3 has unknown commands and no DATA, and libmilter (8.17.1) has no way from one to a header.
  const bool has_unknown = agreed_.version >= first_version_with_data;
  std::string steps = "M";
  for (std::size_t recipients = 1 + random_.below(3); recipients > 0; --recipients) {
    if (has_unknown && one_in(10)) steps += 'U';
    steps += 'R';
    if (has_unknown && one_in(10)) steps += 'U';
  }
  steps += "DFN";
  steps.append(random_.below(3), 'B');
  steps += one_in(3) ? 'e' : 'E';
  if (!one_in(4)) {
    for (const char step : steps) add_step(step);
    return true;
  }
  steps.resize(1 + random_.below(steps.size() - 1));
  if (steps.back() == 'F' && one_in(2)) steps.back() = 'f';
  const bool has_header = steps.find_first_of("Ff") != steps.npos;
  const bool is_aborted = !one_in(4);
  // Postfix (3.7.11) sends the second HELO before the abort. Without an abort Sendmail (8.17.1) begins the next
  // message, but only before the header.
  if (is_aborted) steps += one_in(4) ? "HA" : "A";
  for (const char step : steps) add_step(step);
  return is_aborted || !has_header;
}

/// libmilter (8.17.1) acts on QUIT_NC only after the end of a message, an unknown command or an abort. Elsewhere it
/// drops QUIT_NC and the next connection, so the MTA must not wait for an answer to that. Returns false where it would
/// wait.
bool Session::draw_quit_nc() {
  if (place_ != Place::greeting && place_ != Place::transaction) {
    add_step('K');
    return true;
  }
  if (is_agreed(bit::nr_connect)) add_step('k');
  return is_agreed(bit::nr_connect);
}

void Session::add_step(char step) {
  steps_ += step;
  switch (step) {
    case 'C':
    case 'K':
    case 'k':
      place_ = Place::greeting;
      break;
    case 'H':
      if (!is_agreed(bit::no_helo)) place_ = Place::greeting;
      break;
    case 'U':
      if (agreed_.version >= first_version_with_unknown && !is_agreed(bit::no_unknown)) place_ = Place::unknown;
      break;
    case 'A':
      place_ = place_ == Place::greeting || place_ == Place::ended ? Place::greeting : Place::aborted;
      break;
    case 'E':
    case 'e':
      place_ = Place::ended;
      break;
    case 'R':
      if (!is_agreed(bit::no_rcpt)) place_ = Place::transaction;
      break;
    default:
      place_ = Place::transaction;
      break;
  }
}

void Session::draw_message() {
  message_ = {};
  message_.queue_id = name_ + "M" + std::to_string(++sent_.begun);
  read_.clear();
  const bool is_clean = one_in(2);
  has_crlf_ = one_in(8);
  std::size_t count = one_in(8) ? 0 : 1 + random_.below(10);
  if (one_in(40)) count = 20 + random_.below(200);
  for (; count > 0; --count) {
    Field field = draw_field(is_clean);
    make_legal(field.body);
    field.instance =
        1 + static_cast<int>(std::count_if(message_.fields.begin(), message_.fields.end(), [&](const Field& before) {
          return msgid::same_name(before.name, field.name);
        }));
    message_.fields.push_back(std::move(field));
  }
}

Field Session::draw_field(bool is_clean) {
  static constexpr std::array<std::string_view, 6> listed = {"Message-ID", "In-Reply-To", "References",
                                                             "References", "Message-ID",  "Resent-Message-ID"};
  static constexpr std::array<std::string_view, 8> others = {"From",     "X-Mailer",      "User-Agent",   "Subject",
                                                             "Received", "X-Nobody-Asks", "X-Message-ID", "Reference"};
  const std::size_t kind = random_.below(10);
  if (kind == 0) {
    FieldList signature = random_.signature();
    if (!signature.empty()) return {one_in(4) ? "ARC-Message-Signature" : "DKIM-Signature", signature.front().body, 0};
  }
  if (kind == 1 && !message_.fields.empty()) {
    return {"X-MS-TNEF-Correlator", message_.fields[random_.below(message_.fields.size())].body, 0};
  }
  if (kind < 5) {
    std::string body = one_in(2) ? random_.body() : " " + std::string(random_.below(one_in(10) ? 3000 : 100), 'x');
    return {std::string(random_.of(others)), std::move(body), 0};
  }
  std::string name(random_.of(listed));
  for (char& letter : name) {
    if (one_in(40) && letter != '-') letter = static_cast<char>(letter ^ ' ');  // the other case
  }
  if (is_clean) return {std::move(name), " <" + std::to_string(random_.below(1000)) + "@clean.example>", 0};
  std::string body = draw_body(policy().find(name)->is_list);
  return {std::move(name), std::move(body), 0};
}

std::string Session::draw_body(bool is_list) {
  if (one_in(4)) return random_.body();
  if (is_list || one_in(3)) return damaged_list_.body();
  static constexpr std::array<std::string_view, 4> reported = {
      " =?utf-8?q?=3C162193893844=2E19864=2E11243857306847327486=40web01=2Eexamp?=\n =?utf-8?q?le=2Ecom=3E?=",
      " <162193893844.19864@web01.exa\n mple.com>", " 162193893844.19864@web01.example.com", " <a@b.example> "};
  return std::string(random_.of(reported));
}

void Session::send(char step) {
  fake_mta::Session::Reply reply;
  switch (step) {
    case 'C':
      reply = send_connection();
      break;
    case 'H':
      reply = mta_.helo("mail.example.com");
      break;
    case 'M':
      draw_message();
      mta_.set_queue_id("");
      reply = mta_.mail(one_in(5) ? "<>" : "<sender@example.com>");
      break;
    case 'R':
      reply = mta_.rcpt("<rcpt@example.com>");
      break;
    case 'D':
      mta_.set_queue_id(message_.queue_id);
      reply = mta_.data();
      break;
    case 'F':
      send_fields(message_.fields.size());
      break;
    case 'f':
      send_fields(random_.below(message_.fields.size() + 1));
      break;
    case 'N':
      reply = mta_.end_of_header();
      break;
    case 'B':
      // Not empty: libmilter (8.17.1) hangs up at an empty part, and no MTA sends one.
      reply = mta_.body_chunk(std::string(1 + random_.below(one_in(50) ? 65000 : 300), 'x'));
      break;
    case 'e':
      mta_.body("the last of it\r\n");
      end_message();
      break;
    case 'E':
      end_message();
      break;
    case 'A':
      mta_.abort();
      break;
    case 'U':
      reply = mta_.unknown("XYZZY");
      break;
    default:
      mta_.quit_new_connection();
      ++sent_.quit_ncs;
      if (step == 'K') ++sent_.sessions;
      break;
  }
  expect_to_continue(reply);
}

fake_mta::Session::Reply Session::send_connection() {
  const std::string number = std::to_string(1 + random_.below(250));
  const std::size_t kind = random_.below(8);
  const std::string address = kind == 0 ? "" : (kind == 1 ? "2001:db8::" : "192.0.2.") + number;
  const bool is_ignored = at_ > 0 && steps_[at_ - 1] == 'k';
  if (!is_ignored) client_ = address;
  return address.empty() ? mta_.connect_info_unknown("unknown") : mta_.connect_info("mail.example.com", address);
}

void Session::send_fields(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Field& field = message_.fields[i];
    read_.push_back({field.name, as_read(field.body, is_agreed(bit::leading_space)), field.instance});
    expect_to_continue(mta_.header(field.name, has_crlf_ ? with_crlf(field.body) : field.body));
  }
}

void Session::end_message() {
  const fake_mta::Outcome outcome = mta_.end_of_message();
  expect(outcome.verdict == code::go_on, std::string("the verdict is ") + outcome.verdict);

  const bool may_change = agreed_.actions != 0;
  const bool has_leading_space = is_agreed(bit::leading_space);
  const msgid::Verdict verdict = msgid::inspect(read_, policy());
  const std::vector<msgid::Edit> edits = may_change ? verdict.edits : std::vector<msgid::Edit>();
  const std::vector<Modification> expected = expected_modifications(edits, has_leading_space);
  expect(outcome.modifications == expected, "message " + message_.queue_id + ": the edits are" +
                                                text_of(outcome.modifications) + "\nand must be" + text_of(expected));
  // Without HDR_LEADSPC apply() of the fake MTA adds a space to each body, also before a fold or TAB.
  const bool is_comparable = has_leading_space || std::all_of(edits.begin(), edits.end(), [](const msgid::Edit& edit) {
                               return edit.new_body.starts_with(' ');
                             });
  const fake_mta::Changed changed = fake_mta::apply(read_, outcome.modifications, has_leading_space);
  expect(!is_comparable || is_same(changed.fields, msgid::apply(read_, edits)),
         "message " + message_.queue_id + ": the edited header is not what apply() makes of it");

  sent_.edits += edits.size();
  if (verdict.findings.empty()) {
    ++sent_.clean;
  } else {
    sent_.affected.emplace(message_.queue_id, client_);
  }
  for (const msgid::Finding& finding : verdict.findings) {
    const bool is_rewrite = finding.action == msgid::Action::rewrite;
    const std::string outcome_name = !is_rewrite ? "reported" : may_change ? "rewritten" : "would-rewrite";
    ++sent_
          .findings["findings_total{rule=\"" + std::string(finding.rule->name) + "\",action=\"" + outcome_name + "\"}"];
  }
}

}  // namespace strange
