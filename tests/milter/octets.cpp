#include "octets.h"

#include "service.h"

namespace hostile {

using fake_mta::Terms;
using wire::number;
namespace code = fake_mta::code;

namespace {

/// Strings with a NUL behind each.
std::string strings(const std::vector<std::string_view>& values) {
  std::string data;
  for (const std::string_view value : values) {
    data += value;
    data += '\0';
  }
  return data;
}

std::string client_data() {
  std::string data = strings({"mail.example.com"});
  data += "4\x62\xa4";
  data += strings({"192.0.2.1"});
  return data;
}

std::string macros(char step, const std::vector<std::string_view>& values) {
  return packet(code::macro, step + strings(values));
}

}  // namespace

std::string offer(const Terms& terms) {
  return packet(code::negotiate, number(terms.version) + number(terms.actions) + number(terms.protocol));
}

std::string command(char code) {
  switch (code) {
    case code::connect:
      return packet(code, client_data());
    case code::negotiate:
      return offer();
    case code::macro:
      return macros(code::mail, {"i", "4cVq2S1000"});
    case code::header:
      return packet(code, strings({"Message-ID", encoded_body}));
    case code::helo:
    case code::mail:
    case code::rcpt:
    case 'U':
      return packet(code, strings({"x"}));
    case code::body:
      return packet(code, "text\r\n");
    default:
      return packet(code);
  }
}

std::vector<std::string> whole_session(const Terms& terms) {
  const auto header = [](std::string_view name, std::string_view body) {
    return packet(code::header, strings({name, body}));
  };
  return {
      offer(terms),
      macros(code::connect, {"j", "mx.example.com", "{daemon_name}", "mx"}),
      packet(code::connect, client_data()),
      macros(code::helo, {"{tls_version}", "TLSv1.3"}),
      packet(code::helo, strings({"mail.example.com"})),
      packet('U', strings({"FOO bar"})),
      macros(code::mail, {"{mail_addr}", "a@example.com"}),
      packet(code::mail, strings({"<a@example.com>", "SIZE=1000"})),
      macros(code::rcpt, {"{rcpt_addr}", "b@example.com"}),
      packet(code::rcpt, strings({"<b@example.com>"})),
      macros(code::data, {"i", "4cVq2S1000"}),
      packet(code::data),
      macros(code::header, {"i", "4cVq2S1000"}),
      header("From", " a@example.com"),
      header("Subject", " x"),
      header("Message-ID", encoded_body),
      header("To", " b@example.com"),
      packet(code::end_of_header),
      packet(code::body, "text\r\n"),
      macros(code::end_of_message, {"i", "4cVq2S1000"}),
      packet(code::end_of_message, "more\r\n"),
      packet(code::mail, strings({"<a@example.com>"})),
      packet(code::abort),
      packet(code::quit_new_connection),
      packet(code::connect, client_data()),
      packet(code::mail, strings({"<a@example.com>"})),
      packet(code::rcpt, strings({"<b@example.com>"})),
      packet(code::data),
      header("Message-ID", " <clean.1@example.com>"),
      packet(code::end_of_header),
      packet(code::end_of_message),
      packet(code::quit),
  };
}

std::string joined(const std::vector<std::string>& packets) {
  std::string all;
  for (const std::string& one : packets) all += one;
  return all;
}

std::string hex(std::string_view octets) {
  constexpr std::size_t most = 200;
  std::string text;
  for (const char c : octets.substr(0, most)) {
    const auto octet = static_cast<unsigned char>(c);
    text += "0123456789abcdef"[octet >> 4U];
    text += "0123456789abcdef"[octet & 15U];
  }
  return octets.size() > most ? text + "..." : text;
}

}  // namespace hostile
