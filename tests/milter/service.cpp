#include "service.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "tests/eml.h"

namespace {

/// What is not about messages: a sanitizer's report, say.
std::string unexpected(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    if (line.find(" action=") == line.npos) text += line + "\n";
  return text;
}

}  // namespace

std::string program() {
  const char* const given = std::getenv("MSGID_MILTER");
  return given != nullptr ? given : MSGID_MILTER;
}

bool has_transport() {
  const char* const given = std::getenv("MSGID_TRANSPORT");
  return given == nullptr || std::string_view(given) != "off";
}

std::vector<std::string> arguments(const std::vector<std::string>& options) {
  std::vector<std::string> all = {"--log=stderr"};
  const auto names_a_file = [](const std::string& option) { return option.starts_with("--config="); };
  if (std::none_of(options.begin(), options.end(), names_a_file)) all.emplace_back("--config=/dev/null");
  if (geteuid() == 0) all.push_back("--user=nobody");
  const auto says = [](const std::string& option) { return option.starts_with("--transport="); };
  if (!has_transport() && std::none_of(options.begin(), options.end(), says)) all.emplace_back("--transport=off");
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

Service::Service(const std::vector<std::string>& options, Family family) {
  constexpr int attempts = 5;  // somebody may take the port between our look and the daemon's
  for (int attempt = 0; attempt < attempts; ++attempt) {
    address_ = family == Family::tcp ? "inet:" + std::to_string(fake_mta::free_port()) + "@127.0.0.1"
                                     : "unix:" + (directory_ / "milter.sock");
    std::vector<std::string> all = arguments(options);
    all.push_back("--socket=" + address_);
    daemon_.emplace(program(), all);
    if (daemon_->ready()) return;
    if (daemon_->errors().find("in use") == std::string::npos) break;
  }
  throw std::runtime_error("the daemon does not serve: " + daemon_->errors());
}

fake_mta::Session Service::session(const fake_mta::Terms& offer) {
  fake_mta::Session mta(address_);
  mta.negotiate(offer);
  mta.connect_info("mail.example.com", "192.0.2.1");
  mta.helo("mail.example.com");
  return mta;
}

Service::~Service() {
  stop();
}

// The second SIGTERM cuts the sessions that a test has left open.
void Service::stop() {
  daemon_->terminate();
  daemon_->wait_for_line("stop");
  daemon_->terminate();
  EXPECT_EQ(daemon_->stop(), 0) << unexpected(daemon_->lines());
}

std::vector<std::string> Service::log() {
  const std::string prefix = "msgid-milter: ";
  stop();
  std::vector<std::string> log;
  for (const std::string& line : daemon_->lines()) {
    EXPECT_TRUE(line.starts_with(prefix)) << line;
    if (line.starts_with(prefix + "serving ") || line.starts_with(prefix + "stopp") ||
        line.starts_with(prefix + "reloaded ")) {
      continue;
    }
    log.push_back(line.substr(std::min(line.size(), prefix.size())));
  }
  return log;
}

fake_mta::Message message(std::string_view header) {
  fake_mta::Message message;
  message.fields = eml::header_of(header);
  return message;
}

fake_mta::Message reported_message() {
  return message("From: a@example.com\nSubject: x\nMessage-ID:" + std::string(encoded_body) + "\nX-Mailer: Python\n");
}

fake_mta::Message clean_message() {
  return message(
      "Received: from a (a [192.0.2.9])\n\tby b with ESMTP id 1; Sat, 21 Nov 2026 10:00:00 +0000\n"
      "From: a@example.com\nTo: b@example.com\nSubject: =?utf-8?q?encoded_words_may_stand_here?=\n"
      "Message-ID:\n <clean.1@example.com>\nIn-Reply-To: <a@example.com>\n"
      "References: <a@example.com>\n\t<b@example.com> (Name's message of \"Tue\")\n"
      "X-Other-Id: =?utf-8?q?=3Cnot=40listed=3E?=\n");
}

std::vector<fake_mta::Modification> reported_edit() {
  return {{fake_mta::code::change_header, 1, "Message-ID", " " + std::string(decoded_id)}};
}

void quit(fake_mta::Session& mta) {
  mta.quit();
  EXPECT_EQ(mta.rest(), "");
}
