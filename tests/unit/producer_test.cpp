// The shapes are what the programs wrote, with their versions; where a program cannot be run here, what public issues
// show, with other ids.
#include "report/producer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

struct Case {
  std::string_view field;
  std::string body;
  std::string_view agent;
  std::string_view name;  ///< how the producer's name begins; empty: not known
};

void expect(const Case& one) {
  const report::Producer* producer = report::guess_producer(one.field, one.body, one.agent);
  if (one.name.empty()) {
    EXPECT_EQ(producer, nullptr) << one.field << ':' << one.body << "\n is taken for " << producer->name;
    return;
  }
  ASSERT_NE(producer, nullptr) << one.field << ':' << one.body;
  EXPECT_TRUE(producer->name.starts_with(one.name)) << one.field << ':' << one.body << "\n is " << producer->name;
  EXPECT_FALSE(producer->shape.empty());
  EXPECT_FALSE(producer->advice.empty());
}

// Debian 12's Python 3.11.2, EmailMessage with email.policy.SMTP.
TEST(Producer, PythonByTheField) {
  expect({"In-Reply-To",
          " =?utf-8?q?=3CDB9PR08MB6809A1B2C3D4E5F60718293A4B5C6D=40DB9PR08M?=\n"
          " =?utf-8?q?B6809=2Eeurprd08=2Eprod=2Eoutlook=2Ecom=3E?=",
          "", "Python's email package (3.8 to 3.12, 3.13 before 3.13.12, 3.14 before 3.14.3)"});
  expect({"references",
          " <20261121.1@app.example> =?utf-8?q?=3C0102018c3f2a7b1e-5d4c3b2a-?=\n"
          " =?utf-8?q?1f0e-4d3c-9b8a-7f6e5d4c3b2a-000000=40eu-west-1=2Eamazonses=2Ecom?=\n"
          " =?utf-8?q?=3E_=3CDB9PR08MB6809A1B2C3D4E5F60718293A4B5C6D=40DB9PR08MB6809=2E?=\n"
          " =?utf-8?q?eurprd08=2Eprod=2Eoutlook=2Ecom=3E?=",
          "", "Python's email package (3.8 to 3.12"});
  expect({"Resent-Message-ID",
          " =?utf-8?q?=3C0102018c3f2a7b1e-5d4c3b2a-1f0e-4d3c-9b8a-7f6?=\n"
          " =?utf-8?q?e5d4c3b2a-000000=40eu-west-1=2Eamazonses=2Ecom=3E?=",
          "", "Python's email package (all versions"});
  // With a header registry as that of 3.7.
  expect({"Message-ID",
          " =?utf-8?q?=3C154810422972=2E4=2E16142961424846318784=40aaf39fce-?=\n"
          " =?utf-8?q?569e-473a-9453-6862595bd8da=2Eprvt=2Edyno=2Ert=2Eheroku=2Ecom=3E?=",
          "", "Python's email package (3.7 or older"});
}

// As an audit record has it.
TEST(Producer, PythonUnfolded) {
  expect({"In-Reply-To",
          "=?utf-8?q?=3CDB9PR08MB6809A1B2C3D4E5F60718293A4B5C6D=40DB9PR08M?= "
          "=?utf-8?q?B6809=2Eeurprd08=2Eprod=2Eoutlook=2Ecom=3E?=",
          "", "Python's email package (3.8"});
}

// 3.11.2: Header(id, "utf-8") in a MIMEText, and an id that is not ASCII in either API.
TEST(Producer, PythonInOtherWays) {
  expect({"Message-ID",
          " =?utf-8?q?=3C154810422972=2E4=2E16142961424846318784=40aaf39fce-569e-473a-9453-6862595bd8da=2Eprvt=2Edyno"
          "=2Ert=2Eheroku=2Ecom=3E?=",
          "", "Python's email package, through its older class"});
  expect({"Message-ID", " =?utf-8?b?PGdyw7bDn2VAYXBwLmV4YW1wbGU+?=", "", "Python's email package, or a Go program"});
  // message_from_bytes(...).as_string()
  expect({"References", " =?unknown-8bit?b?PGdyw7bDn2VAYXBwLmV4YW1wbGU+IDxiQGMuZXhhbXBs?=\n =?unknown-8bit?b?ZT4=?=",
          "", "Python's email package, writing an id that is not ASCII"});
}

TEST(Producer, OtherLibraries) {
  // PHPMailer's issue 1876.
  expect({"References",
          " =?us-ascii?Q?<33E3D825-9C3C=3D=3Dmailer.example@x.example>_<3c=5Fan?=\n"
          " =?us-ascii?Q?other@y.example>?=",
          "PHPMailer 6.1.2 (https://github.com/PHPMailer/PHPMailer)", "PHPMailer (6.1.0 to 6.1.3"});
  expect({"References",
          " =?us-ascii?Q?<" + std::string(400, 'a') + "=3D@protonmail.example>_<" + std::string(400, 'b') +
              "@p.example>?=",
          "", "ProtonMail"});
  // MimeKit's issue 479.
  expect({"In-Reply-To",
          " =?us-ascii?q?=3CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=40BBBBBBBBB?=\n"
          " =?us-ascii?q?BBBBBBBBBBB=2Eexample=3E?=",
          "", "MimeKit"});
  // laravel-imap's issue 274.
  expect({"Message-ID", " =?UTF-8?Q?a8239b7f3e241c0b4c3a178cf2bb7f12110de636@localhost.example?=", "",
          "zend-mail or laminas-mail"});
  expect({"In-Reply-To", " =?UTF-8?Q?<eeb3b2a6febdaa5208c3395e1b049cb4368bc92e@localhost.example>?=", "",
          "zend-mail, laminas-mail, or elixir-mail"});
  // Debian 12's ruby-mail 2.7.1, Ruby 3.1.2.
  expect({"Message-ID", " =?UTF-8?Q?<abc_=C3=A9@app.example>?=", "", "Ruby's mail gem"});
  expect(
      {"In-Reply-To", " =?ISO-8859-1?Q?Anna's?= =?ISO-8859-1?B?bWFpbA==?= <a@b.example>", "", "an old mail program"});
}

TEST(Producer, WhoCutALine) {
  // The body of a References line that has 998 octets up to the cut.
  const std::string line = " " + std::string(986 - 20, 'x');
  expect({"References", line + " <0123456789abcdefgh\n ij@thread.example>", "", "Postfix's smtp client"});
  expect({"References", line + " <0123456789abcdefg\n ij@thread.example>", "", ""});
  expect({"References", line + " <0123456789abcdefgh\n  ij@thread.example>", "", ""});
  expect({"References", line + " <0123456789abcde@x>\n <ij@thread.example>", "", ""});
  expect({"References", std::string(958, 'x') + " <0123456789abcdefgh!\n ij@thread.example>", "", "Sendmail"});
  expect({"References", " <0123456789abcdefgh!\n ij@thread.example>", "", ""});
}

TEST(Producer, LongLinesByTheAgent) {
  std::string thread;
  for (int i = 0; i < 50; ++i) thread += " <thread-0123456789@thread.example>";
  expect({"References", thread, "Zammad Mail Service", "Zammad"});
  expect({"References", thread, "mu4e 1.8.14; emacs 28.2", "mu4e"});
  expect({"References", thread, "Delta Chat Core 1.44.0", "Delta Chat"});
  expect({"References", thread, "FreeScout", "FreeScout"});
  expect({"References", thread, "gromox-http 2.1", "grommunio"});
  expect({"References", thread, "Another", ""});
  expect({"References", " <a@b.example>", "Zammad Mail Service", ""});
  expect({"References", "\n" + thread, "", "Email::MIME"});
}

TEST(Producer, ClaimsNothingOfWhatItDoesNotKnow) {
  expect({"Message-ID", " <a@b.example>", "Zammad Mail Service", ""});
  expect({"Message-ID", "", "", ""});
  expect({"Message-ID", " =?utf-8?q?", "", ""});
  expect({"Message-ID", " =?iso-8859-15?Q?<a@b.example>?=", "", ""});
  expect({"Message-ID", " =?utf-8?Q?=3Ca=40b.example=3E?=", "", ""});
  expect({"In-Reply-To", " =?utf-8?q?=3Ca=40b=2Eexample=3E?= =?utf-8?b?PGFAYj4=?= <c@d.example>", "",
          "an old mail program"});
  expect({"References", " =?utf-8?q?=3Ca=40b=2Eexample=3E?= =?utf-8?b?PGFAYj4=?=", "", ""});
}

}  // namespace
