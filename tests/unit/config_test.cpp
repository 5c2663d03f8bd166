// Reading the options from the command line and a file, and checking them.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/config_fixture.h"

namespace {

using namespace config_fixture;
namespace fs = std::filesystem;
using config::Command;
using config::Loaded;
using config::LogTarget;
using config::Mode;
using config::Settings;
using msgid::RuleAction;
using msgid::RuleId;

std::string origin_of(const Loaded& loaded, const std::string& option) {
  std::string all;
  for (const auto& origin : loaded.origins) {
    if (origin.option == option) all += (all.empty() ? "" : " ") + origin.text;
  }
  return all;
}

TEST(Config, Defaults) {
  const Loaded loaded = load({any_socket});
  EXPECT_EQ(loaded.command, Command::serve);
  const Settings& settings = loaded.settings;
  EXPECT_EQ(settings.socket_mode, 0660U);
  EXPECT_EQ(settings.socket_group, "");
  EXPECT_EQ(settings.user, "");
  EXPECT_EQ(settings.timeout, std::chrono::hours(1));
  EXPECT_EQ(settings.mode, Mode::rewrite);
  EXPECT_EQ(settings.log, LogTarget::syslog);
  EXPECT_EQ(settings.audit_log, "");
  EXPECT_FALSE(settings.audit_recipients);
  const msgid::Policy& policy = settings.policy;
  EXPECT_EQ(policy.signed_fields, msgid::SignedFields::rewrite);
  EXPECT_EQ(policy.exchange, RuleAction::off);
  EXPECT_EQ(policy.exchange_header_size, 65536U);
  EXPECT_EQ(policy.header_size, 262144U);
  EXPECT_EQ(policy.line_length, 998U);
  EXPECT_EQ(policy.fold_at, 998U);
  EXPECT_EQ(policy.msgid_length, 979U);
  EXPECT_EQ(policy.references_length, 2000U);
  EXPECT_EQ(policy.msgid_domain, "");
  EXPECT_EQ(policy.fields.size(), 4U);
  const std::map<RuleId, RuleAction> actions{{RuleId::encoded_word, RuleAction::fix},
                                             {RuleId::line_too_long, RuleAction::fix},
                                             {RuleId::msgid_too_long, RuleAction::fix},
                                             {RuleId::space_in_msgid, RuleAction::fix},
                                             {RuleId::references_too_long, RuleAction::report},
                                             {RuleId::folded, RuleAction::off},
                                             {RuleId::brackets, RuleAction::report},
                                             {RuleId::non_ascii, RuleAction::report},
                                             {RuleId::control_character, RuleAction::report},
                                             {RuleId::duplicate_field, RuleAction::report},
                                             {RuleId::malformed, RuleAction::report},
                                             {RuleId::strict_syntax, RuleAction::off},
                                             {RuleId::missing, RuleAction::off}};
  ASSERT_EQ(actions.size(), msgid::rule_count);
  for (const auto& [id, action] : actions) EXPECT_EQ(policy.action(id), action);
}

TEST(Config, EveryOptionFromAFile) {
  const std::string root = getpwuid(0)->pw_name;
  const std::string group = getgrgid(0)->gr_name;
  const Settings settings =
      load_file("socket = unix:/run/x.sock\nsocket-mode = 0622\nsocket-group = " + group + "\nuser = " + root +
                "\ntimeout = 90s\nmode = log-only\nlog = stderr\nrule.folded = fix\n"
                "rule.encoded-word = off\nrule.missing = report\nextra-field = X-Thread-Id\n"
                "extra-field = Supersedes\nline-length = 500\nfold-at = 78\nmsgid-length = 77\n"
                "msgid-domain = example.com\nreferences-length = 998\nheader-size = 4096\n"
                "audit-log = /var/log/audit.jsonl\naudit-recipients = yes\nsigned = keep\nexchange = report\n"
                "exchange-header-size = 262144\n")
          .settings;
  EXPECT_EQ(settings.socket.path, "/run/x.sock");
  EXPECT_EQ(settings.socket_mode, 0622U);
  EXPECT_EQ(settings.socket_group, group);
  EXPECT_EQ(settings.user, root);
  EXPECT_EQ(settings.timeout, std::chrono::seconds(90));
  EXPECT_EQ(settings.mode, Mode::log_only);
  EXPECT_EQ(settings.log, LogTarget::standard_error);
  EXPECT_EQ(settings.audit_log, "/var/log/audit.jsonl");
  EXPECT_TRUE(settings.audit_recipients);
  const msgid::Policy& policy = settings.policy;
  EXPECT_EQ(policy.signed_fields, msgid::SignedFields::keep);
  EXPECT_EQ(policy.exchange, RuleAction::report);
  EXPECT_EQ(policy.exchange_header_size, 262144U);
  EXPECT_EQ(policy.header_size, 4096U);
  EXPECT_EQ(policy.action(RuleId::folded), RuleAction::fix);
  EXPECT_EQ(policy.action(RuleId::encoded_word), RuleAction::off);
  EXPECT_EQ(policy.action(RuleId::missing), RuleAction::report);
  EXPECT_EQ(policy.action(RuleId::malformed), RuleAction::report);
  EXPECT_EQ(policy.line_length, 500U);
  EXPECT_EQ(policy.fold_at, 78U);
  EXPECT_EQ(policy.msgid_length, 77U);
  EXPECT_EQ(policy.references_length, 998U);
  EXPECT_EQ(policy.msgid_domain, "example.com");
  ASSERT_EQ(policy.fields.size(), 6U);
  EXPECT_EQ(policy.fields[4].name, "X-Thread-Id");
  EXPECT_TRUE(policy.fields[4].is_list);
  EXPECT_FALSE(policy.fields[4].at_most_once);
  EXPECT_NE(policy.find("SUPERSEDES"), nullptr);
}

TEST(Config, TheCommandLineReplacesTheFile) {
  const std::string text = "socket = inet:1@localhost\nmode = log-only\nextra-field = X-A\nextra-field = X-B\n";
  const Loaded loaded = load_file(text, {"--mode", "rewrite", "--extra-field=X-C"});
  EXPECT_EQ(loaded.settings.mode, Mode::rewrite);
  ASSERT_EQ(loaded.settings.policy.fields.size(), 5U);
  EXPECT_EQ(loaded.settings.policy.fields[4].name, "X-C");
  EXPECT_EQ(origin_of(loaded, "mode"), "command line");
  EXPECT_EQ(origin_of(loaded, "extra-field"), "command line");
  EXPECT_NE(origin_of(loaded, "socket").find("c.conf:1"), std::string::npos);
  EXPECT_EQ(origin_of(loaded, "fold-at"), "");
}

TEST(Config, AReplacedValueIsNotLookedAt) {
  const Loaded loaded = load_file("socket = inet:1\nuser = no-such-user\nsocket-mode = 0600\n",
                                  {"--user=" + std::string(getpwuid(0)->pw_name), "--socket=unix:/run/x.sock"});
  EXPECT_EQ(loaded.settings.user, getpwuid(0)->pw_name);
}

TEST(Config, TheSyntaxOfTheFile) {
  const auto path_in = [](const std::string& text) { return load_file(text).settings.socket.path; };
  EXPECT_EQ(path_in("socket=unix:/a"), "/a");
  EXPECT_EQ(path_in("\n\n \t socket \t=\t unix:/a \t \n"), "/a");
  EXPECT_EQ(path_in("# c\r\nsocket = unix:/a\r\n\r\nmode = log-only\r\n"), "/a");
  EXPECT_EQ(path_in("#socket = unix:/b\n  # socket = unix:/c\nsocket = unix:/a # d\n"), "/a");
  EXPECT_EQ(path_in("socket = unix:/a\t#b\n"), "/a");
  EXPECT_EQ(path_in("socket = unix:/a#b\n"), "/a#b");
  EXPECT_EQ(path_in("socket = unix:/a=b c # d # e"), "/a=b c");
  EXPECT_EQ(path_in("# \x80\x01\nsocket = unix:/a\n"), "/a");
  EXPECT_EQ(path_in("socket = unix:/\xC3\xA4\n"), "/\xC3\xA4");
  EXPECT_EQ(path_in("socket = unix:/a\n#" + std::string(4095, 'x')), "/a");
}

TEST(Config, TheFileIsBounded) {
  EXPECT_EQ(file_error("\n#" + std::string(4096, 'x') + "\n"),
            "FILE:2: #" + std::string(59, 'x') + "...: the line is over 4096 octets");
  const std::string head = "socket = inet:1\n";
  const std::string filled = head + std::string((1 << 20) - head.size(), '\n');
  EXPECT_EQ(file_error(filled), "no error");
  EXPECT_EQ(file_error(filled + "\n"), "command line: config: cannot read FILE: it is over 1048576 octets");
  EXPECT_EQ(argument_error({"--socket=unix:/" + std::string(5000, 'x')}),
            "command line: socket: the value is over 4096 octets");
}

TEST(Config, TheDefaultFileIsReadWhereItExists) {
  const TemporaryFile file("socket = unix:/a\n");
  EXPECT_EQ(config::load({}, file.path()).settings.socket.path, "/a");
  EXPECT_EQ(config::load({any_socket}, file.path() + "/below").settings.socket.port, 8891);
  const std::string directory = std::filesystem::path(file.path()).parent_path().string();
  EXPECT_EQ(error_of([&] { config::load({any_socket}, directory); }),
            "command line: config: cannot read " + directory + ": Is a directory");
  const TemporaryFile other("socket = unix:/b\n");
  EXPECT_EQ(config::load({"--config", other.path()}, file.path()).settings.socket.path, "/b");
}

TEST(Config, AFifoIsRefusedAtOnce) {
  const TemporaryFile file("");
  const std::string fifo = file.path() + ".fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  // Somebody opens it after a while, so that a reader that waits fails here instead of hanging.
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    while (!is_over) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      const int descriptor = ::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      if (descriptor >= 0) ::close(descriptor);
    }
  });
  EXPECT_EQ(argument_error({any_socket, "--config=" + fifo}),
            "command line: config: cannot read " + fifo + ": it is not a regular file");
  EXPECT_EQ(error_of([&] { config::load({any_socket}, fifo); }),
            "command line: config: cannot read " + fifo + ": it is not a regular file");
  EXPECT_EQ(argument_error({any_socket, "--exempt-sender=@" + fifo}),
            "command line: exempt-sender: cannot read " + fifo + ": it is not a regular file");
  EXPECT_EQ(argument_error({any_socket, "--config=/dev/zero"}),
            "command line: config: cannot read /dev/zero: it is not a regular file");
  EXPECT_EQ(argument_error({any_socket, "--config=/dev/null"}), "no error");
  is_over = true;
  writer.join();
}

/// What a reload says of `after` where `before` was read, "FILE" for the path; of the configuration or of a list.
std::string loss(const std::string& before, const std::string& after, bool is_list = false) {
  const TemporaryFile file(before);
  const Arguments arguments = is_list ? Arguments{any_socket, "--exempt-sender=@" + file.path()}
                                      : Arguments{any_socket, "--config=" + file.path()};
  const auto first = load(arguments).files;
  file.write(after);
  std::string line = config::loss_between(first, load(arguments).files);
  if (const auto at = line.find(file.path()); at != std::string::npos) line.replace(at, file.path().size(), "FILE");
  return line;
}

TEST(Config, AFileThatLostItsEndIsALoss) {
  const std::string empty = "the file is empty and was not before; a file that is meant to be empty holds a comment";
  const std::string none = "FILE: config: the file sets no option any more, and set ";
  const std::string meant = " before; if that is meant, restart the service";
  const std::string cut =
      "the last line has no line end and had one before, so the file may be cut short; end the line";
  const std::string text = "# It begins.\nmode = log-only\ntimeout = 30m\n";
  EXPECT_EQ(loss(text, ""), "FILE: config: " + empty);
  EXPECT_EQ(loss(text, "\n \t\r\n"), "FILE: config: " + empty);
  EXPECT_EQ(loss(text, "\xEF\xBB\xBF"), "FILE: config: " + empty) << "three octets that no line has";
  EXPECT_EQ(loss(text, "# It begins.\n"), none + "2" + meant);
  EXPECT_EQ(loss(text, "mode = log-only\ntimeout = 30"), "FILE: config: " + cut);
  EXPECT_EQ(loss(text, "mode = log-only\n"), "") << "less, and in good order";
  EXPECT_EQ(loss(text, text + "\n"), "");
  EXPECT_EQ(loss("mode = log-only", "mode = rewrite"), "") << "it never had one";
  EXPECT_EQ(loss("# none\n", "# none at all\n"), "");
  EXPECT_EQ(loss("", ""), "");
  EXPECT_EQ(loss("", text), "");
  EXPECT_EQ(loss("a.de\n", "", true), "FILE: exempt-sender: " + empty);
  EXPECT_EQ(loss("# none yet\n", "", true), "FILE: exempt-sender: " + empty);
  EXPECT_EQ(loss("a.de\n", "# none any more\n", true), "");
  EXPECT_EQ(loss("a.de\nb.de\n", "a.de\nb.d", true), "FILE: exempt-sender: " + cut);
  EXPECT_EQ(loss("a.de\nb.de", "a.de\nb.d", true), "") << "nobody can tell";
  EXPECT_EQ(loss("", "", true), "");
}

TEST(Config, Ranges) {
  struct Range {
    std::string option;
    std::vector<std::string> good, bad;
    std::string reason;
  };
  const std::vector<std::string> never{"-1", "+50", "50.0", "0x50", "5 0", "fifty", "99999999999999999999", "1e3"};
  const std::vector<Range> ranges{
      {"line-length", {"998"}, {"0", "39", "999"}, "only a number from 40 to 998"},
      {"fold-at", {"40", "998", "0078"}, {"0", "39", "999"}, "only a number from 40 to 998"},
      {"msgid-length", {"59", "950"}, {"0", "44", "980"}, "only a number from 45 to 979"},
      {"references-length", {"100", "65535"}, {"99", "65536"}, "only a number from 100 to 65535"},
      {"header-size", {"4096", "16777216"}, {"4095", "16777217", "256k"}, "only a number from 4096 to 16777216"},
      {"timeout",
       {"1", "1s", "86400", "86400s", "1440m", "24h"},
       {"0", "0h", "86401", "1441m", "25h", "h", "1d", "1h30m", "1 h", "5124095576030432h"},
       "only a time from 1s to 24h, as 90, 90s or 2m"},
      {"socket-mode",
       {"0", "0777", "660", "777"},
       {"1000", "01000", "0800", "rw-rw----", "0o660"},
       "only an octal number up to 0777"},
      {"mode", {"rewrite", "log-only"}, {"Rewrite", "log", "log_only"}, "only rewrite or log-only"},
      {"transport", {"on", "off"}, {"yes", "no", "1"}, "only on or off"},
      {"log", {"syslog", "stderr"}, {"file", "none"}, "only syslog or stderr"},
      {"audit-log", {"/a"}, {"a", "./a", "~/a"}, "only an absolute path"},
      {"audit-recipients", {"yes", "no"}, {"on", "true", "1"}, "only yes or no"},
      {"signed", {"rewrite", "keep"}, {"break", "yes"}, "only rewrite or keep"},
      {"exchange", {"report", "off"}, {"fix", "on"}, "only report or off"},
      {"exchange-header-size", {"1024", "16777216"}, {"1023", "64K"}, "only a number from 1024 to 16777216"},
      {"rule.folded", {"fix", "report", "off"}, {"on", "yes", "FIX"}, "only fix, report or off"},
      {"msgid-domain",
       {"a", "example.com", "xn--bcher-kva.example", "a_b.c-d", std::string(253, 'a')},
       {"example..com", ".com", "com.", "a@b", "@b", "[192.0.2.1]", "b\xC3\xBC", "a/b", "=?us-ascii?q?x?="},
       "only a domain name: letters, digits, \"-\", \"_\" and dots between"},
      {"msgid-domain", {}, {std::string(254, 'a')}, "only a domain name of at most 253 octets"},
  };
  for (const Range& range : ranges) {
    const std::string name = "--" + range.option + "=";
    const Arguments base{"--socket=unix:/run/x.sock"};
    for (const std::string& value : range.good) {
      EXPECT_EQ(argument_error({base[0], name + value}), "no error") << range.option << " " << value;
    }
    std::vector<std::string> bad = range.bad;
    if (range.option != "msgid-domain") bad.insert(bad.end(), never.begin(), never.end());
    for (const std::string& value : bad) {
      EXPECT_EQ(argument_error({base[0], name + value}), "command line: " + range.option + ": " + range.reason)
          << value;
    }
  }
}

TEST(Config, FixIsOnlyForRulesThatCan) {
  for (const msgid::Rule& rule : msgid::rules()) {
    const std::string name = "rule." + std::string(rule.name);
    EXPECT_EQ(argument_error({any_socket, "--" + name + "=fix"}),
              rule.can_fix ? "no error" : "command line: " + name + ": only report or off");
  }
}

TEST(Config, ExtraFields) {
  const auto error = [](const std::string& name) { return argument_error({any_socket, "--extra-field=" + name}); };
  const std::string before = "command line: extra-field: ";
  EXPECT_EQ(error("X-Message-ID"), "no error");
  EXPECT_EQ(error(std::string(17, 'x')), "no error") << "as long as Resent-Message-ID";
  const std::string name(18, 'x');
  EXPECT_EQ(error(name), before + "an id of msgid-length (979) does not fit a line of 998 octets after \"" + name +
                             ": \"; set msgid-length to at most 978");
  const auto together = [&](const std::string& field, const std::string& length) {
    return argument_error({any_socket, "--extra-field=" + field, "--msgid-length=" + length});
  };
  EXPECT_EQ(together(name, "978"), "no error");
  EXPECT_EQ(together(std::string(46, 'x'), "950"), "no error");
  EXPECT_EQ(together(std::string(46, 'x'), "951"),
            "command line: msgid-length: an id of msgid-length (951) does not fit a line of 998 octets after \"" +
                std::string(46, 'x') + ": \"; set msgid-length to at most 950");
  EXPECT_EQ(together(std::string(1000, 'x'), "59").substr(0, 27), "command line: msgid-length:");
  EXPECT_EQ(error("X-A:"), before + "not a field name: printable ASCII without space and colon");
  EXPECT_EQ(error("X A"), before + "not a field name: printable ASCII without space and colon");
  EXPECT_EQ(error("X-\xC3\xA4"), before + "not a field name: printable ASCII without space and colon");
  for (const char* name : {"Message-ID", "message-id", "RESENT-MESSAGE-ID", "In-Reply-To", "references"}) {
    EXPECT_EQ(error(name), before + name + " is examined in any case");
  }
  for (const char* name : {"From",
                           "to",
                           "CC",
                           "Bcc",
                           "Sender",
                           "Reply-To",
                           "subject",
                           "Date",
                           "Received",
                           "Return-Path",
                           "Comments",
                           "Keywords",
                           "content-type",
                           "Content-Transfer-Encoding",
                           "MIME-Version",
                           "dkim-signature",
                           "ARC-Seal",
                           "Resent-From",
                           "Resent-Sender",
                           "Resent-To",
                           "Resent-Cc",
                           "Resent-Bcc",
                           "Resent-Date"}) {
    EXPECT_EQ(error(name), before + name + " does not hold msg-ids, an edit could break it");
  }
  EXPECT_EQ(file_error("extra-field = X-A\nextra-field = x-a\n"), "FILE:2: extra-field: x-a is given twice");

  std::string many = "socket = inet:1\n";
  for (int i = 0; i < 64; ++i) many += "extra-field = X-" + std::to_string(i) + "\n";
  EXPECT_EQ(file_error(many), "no error");
  EXPECT_EQ(file_error(many + "extra-field = X-64\n"), "FILE:66: extra-field: at most 64 extra fields");
}

TEST(Config, ImpossibleCombinationsBlameTheLaterOption) {
  const std::string fold = "fold-at (78) is over line-length (70)";
  EXPECT_EQ(file_error("line-length = 70\nfold-at = 78\nsocket = inet:1"), "FILE:2: fold-at: " + fold);
  EXPECT_EQ(file_error("fold-at = 78\nline-length = 70\nsocket = inet:1"), "FILE:2: line-length: " + fold);
  EXPECT_EQ(argument_error({any_socket, "--line-length=500"}),
            "command line: line-length: fold-at (998) is over line-length (500)");
  EXPECT_EQ(argument_error({any_socket, "--line-length=500", "--fold-at=500"}), "no error");

  const std::string room = "msgid-length (58) leaves no room for a shortened msg-id at msgid-milter.invalid (59)";
  EXPECT_EQ(argument_error({any_socket, "--msgid-length=58"}), "command line: msgid-length: " + room);
  EXPECT_EQ(argument_error({any_socket, "--msgid-length=59"}), "no error");
  EXPECT_EQ(argument_error({any_socket, "--msgid-length=50", "--msgid-domain=example.com"}), "no error");
  EXPECT_EQ(argument_error({any_socket, "--msgid-length=49", "--msgid-domain=example.com"}),
            "command line: msgid-domain: msgid-length (49) leaves no room for a shortened msg-id at example.com (50)");

  const std::string tcp = " goes with a UNIX socket, not with inet:8891@localhost";
  EXPECT_EQ(argument_error({any_socket, "--socket-mode=0660"}), "command line: socket-mode: socket-mode" + tcp);
  EXPECT_EQ(argument_error({"--socket-mode=0660", any_socket}), "command line: socket: socket-mode" + tcp);
  const std::string group = getgrgid(0)->gr_name;
  EXPECT_EQ(argument_error({any_socket, "--socket-group", group}), "command line: socket-group: socket-group" + tcp);
  EXPECT_EQ(argument_error({"--print-config", "--socket-mode=0600"}), "no error");
}

TEST(Config, TheDefaultSocketIsBelowTheQueueDirectoryWhereThatHasAPlaceForIt) {
  EXPECT_EQ(load({}).settings.socket.for_libmilter(), "unix:/run/msgid-milter/milter.sock");
  const TemporaryFile file("");
  const fs::path root = fs::path(file.path()).parent_path();
  const auto socket = [&] { return config::load({}, file.path(), root.string()).settings.socket.for_libmilter(); };
  fs::create_directories(root / "var/spool/postfix");
  EXPECT_EQ(socket(), "unix:/run/msgid-milter/milter.sock");
  fs::create_directories(root / "var/spool/postfix/msgid-milter");
  EXPECT_EQ(socket(), "unix:/var/spool/postfix/msgid-milter/milter.sock");
}

TEST(Config, WhatAReloadDoesNotTakeIsNamed) {
  const Loaded running = load({"--socket=unix:/a", "--timeout=60s"});
  const auto changes = [&](const Arguments& arguments) {
    return config::changes_for_restart(running, load(arguments));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(changes({"--socket=unix:/a", "--timeout=1m", "--socket-mode=0660"}), Names());
  EXPECT_EQ(changes({"--socket=local:/a", "--timeout=1m", "--mode=log-only", "--drain-timeout=0", "--rule.folded=fix",
                     "--audit-recipients=yes"}),
            Names());
  EXPECT_EQ(changes({}), (Names{"socket", "timeout"}));
  EXPECT_EQ(
      changes({"--socket=unix:/a", "--timeout=61", "--log=stderr", "--audit-log=/a", "--socket-mode=0600",
               std::string("--user=") + getpwuid(0)->pw_name, std::string("--socket-group=") + getgrgid(0)->gr_name}),
      (Names{"socket-mode", "socket-group", "user", "timeout", "log", "audit-log"}));
}

TEST(Config, ErrorsOfTheCommandLine) {
  const std::pair<Arguments, std::string> cases[] = {
      {{"--mod=rewrite"}, "mod: unknown option; did you mean mode?"},
      {{"--nonsense-option"}, "nonsense-option: unknown option"},
      {{"--rule.folds=fix"}, "rule.folds: unknown option; did you mean rule.folded?"},
      {{"--mode"}, "mode: a value is missing"},
      {{"--mode="}, "mode: a value is missing"},
      {{"--mode", ""}, "mode: a value is missing"},
      {{"--mode", " \t"}, "mode: a value is missing"},
      {{"--mode", " rewrite"}, "mode: the value has a space around it"},
      {{"--socket", "unix:/a #b"}, "socket: \"#\" would begin a comment"},
      {{"--extra-field", "#X"}, "extra-field: \"#\" would begin a comment"},
      {{"--socket=unix:/a\nb"}, "socket: the value has a control character in it"},
      {{"--mode=rewrite", "--mode=rewrite"}, "mode: given twice"},
      {{"--check-config=yes"}, "check-config: takes no value"},
      {{"--check-config", "--print-config"}, "print-config: does not go with check-config"},
      {{"rewrite"}, "rewrite: not an option; write --OPTION=VALUE"},
      {{"-h"}, "-h: not an option; write --OPTION=VALUE"},
      {{"--", "x"}, "x: not an option; write --OPTION=VALUE"},
      {{"--user=no-such-user"}, "user: no such user: no-such-user"},
      {{"--socket-group=no-such-group"}, "socket-group: no such group: no-such-group"},
      {{"--socket=/run/x.sock"}, "socket: a path needs its kind before it: unix:/run/x.sock"},
      {{"--config", "/nonexistent/f"}, "config: cannot read /nonexistent/f: No such file or directory"},
      {{"--\x1B[31m\xC3=1"}, "\\x1B[31m\\xC3: unknown option"},
      {{"--" + std::string(100, 'x')}, std::string(60, 'x') + "...: unknown option"},
  };
  for (const auto& [arguments, reason] : cases) EXPECT_EQ(argument_error(arguments), "command line: " + reason);
}

TEST(LoadPolicy, WithoutAFileReportsWhatExchangeRefuses) {
  const msgid::Policy policy = config::load_policy({"--rule.folded=fix", "--signed=keep"}, "");
  EXPECT_EQ(policy.exchange, RuleAction::report);
  EXPECT_EQ(policy.signed_fields, msgid::SignedFields::keep);
  EXPECT_EQ(policy.action(RuleId::folded), RuleAction::fix);
  EXPECT_EQ(config::load_policy({"--exchange=off"}, "").exchange, RuleAction::off);
}

TEST(LoadPolicy, FollowsTheFileButNotTheService) {
  const TemporaryFile file(
      "socket = nonsense\nuser = no-such-user\nsocket-group = no-such-group\nmode = nonsense\nfold-at = 78\n"
      "rule.folded = report\nheader-size = 4096\n");
  const msgid::Policy policy = config::load_policy({"--rule.folded=fix"}, file.path());
  EXPECT_EQ(policy.fold_at, 78U);
  EXPECT_EQ(policy.header_size, 4096U);
  EXPECT_EQ(policy.action(RuleId::folded), RuleAction::fix) << "the arguments go before the file";
  EXPECT_EQ(policy.exchange, RuleAction::off) << "as the file has it";
}

TEST(LoadPolicy, Errors) {
  const auto error = [](const Arguments& arguments, const std::string& text) {
    const TemporaryFile file(text);
    return error_of([&] { config::load_policy(arguments, file.path()); });
  };
  EXPECT_EQ(error({"--user=root"}, ""), "command line: user: only the daemon has this option");
  EXPECT_EQ(error({"--header-size=4095"}, ""), "command line: header-size: only a number from 4096 to 16777216");
  EXPECT_EQ(error({"--check-config"}, ""), "command line: check-config: only the daemon has this option");
  EXPECT_EQ(error({"--fold-at=1"}, ""), "command line: fold-at: only a number from 40 to 998");
  EXPECT_TRUE(error({}, "\nfold-at = 1\n").ends_with("c.conf:2: fold-at: only a number from 40 to 998"));
  EXPECT_TRUE(error({}, "line-length = 90\n").ends_with("fold-at (998) is over line-length (90)"));
  EXPECT_TRUE(error({}, "fold_at = 78\n").ends_with("unknown option; did you mean fold-at?"));
  EXPECT_TRUE(error_of([] { config::load_policy({}, "/nonexistent"); }).ends_with("No such file or directory"));
}

TEST(LoadPolicy, TheNamesOfItsOptions) {
  const std::vector<std::string> names = config::policy_option_names();
  EXPECT_EQ(names.size(), msgid::rule_count + 10);
  EXPECT_EQ(std::count(names.begin(), names.end(), "header-size"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "signed"), 1);
}

TEST(Config, HelpAndVersionReadNothingElse) {
  EXPECT_EQ(load({"--help", "--config=/nonexistent/f", "--mode=x"}).command, Command::help);
  EXPECT_EQ(load({"--check-config", "--version"}).command, Command::version);
  EXPECT_EQ(load({"--check-config", any_socket}).command, Command::check_config);
}

TEST(Config, AnyOctetsGiveSettingsOrOneLineOfPrintableText) {
  const std::vector<std::string> pieces{
      "socket", "mode",   "rule.folded", "extra-field", "=",  " = ", "unix:/a", "inet:1",     "log-only",
      "fix",    "\n",     "\r\n",        "#",           " #", "[a]", "\t",      "\0x",        "\x1B[0m",
      "X-A",    "config", "\xFF",        "\x7F",        "--", "998", "40",      "line-length"};
  std::mt19937 random(20261121);
  const TemporaryFile file("");
  int loaded = 0;
  for (int round = 0; round < 500; ++round) {
    std::string text;
    const auto length = random() % 24;
    for (unsigned i = 0; i < length; ++i) {
      text += random() % 8 == 0 ? std::string(1, static_cast<char>(random() % 256)) : pieces[random() % pieces.size()];
    }
    file.write(text);
    const std::string error = error_of([&] { load({"--config", file.path(), "--socket=unix:/run/x.sock"}); });
    loaded += error == "no error" ? 1 : 0;
    EXPECT_TRUE(std::all_of(error.begin(), error.end(), [](char c) { return c >= 32 && c <= 126; })) << error;
    EXPECT_LT(error.size(), 5000U);
  }
  EXPECT_GT(loaded, 0);
}

}  // namespace
