// What --check-config warns of.
#include "config/warnings.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/config_fixture.h"

namespace {

using namespace config_fixture;
namespace fs = std::filesystem;

using Lines = std::vector<std::string>;

TEST(Warnings, FilesThatMayBeCutShort) {
  const std::string empty = "the file is empty; a file that is meant to be empty holds a comment";
  const std::string cut = "the last line has no line end, so the file may be cut short; end the line";
  const auto of_config = [](const std::string& text) {
    const TemporaryFile file(text);
    Lines lines = config::doubtful_files(load({any_socket, "--config=" + file.path()}).files);
    for (std::string& line : lines) line.replace(0, file.path().size(), "FILE");
    return lines;
  };
  EXPECT_EQ(of_config(""), Lines{"FILE: config: " + empty});
  EXPECT_EQ(of_config("mode = log-only"), Lines{"FILE: config: " + cut});
  EXPECT_EQ(of_config("mode = log-only\n"), Lines{});
  EXPECT_EQ(of_config("# All options have their defaults.\n"), Lines{}) << "as the file that is installed";
  const TemporaryFile blank("\n");
  const TemporaryFile commented("# nobody\n");
  const TemporaryFile unended("a.de\nb.de");
  EXPECT_EQ(config::doubtful_files(load({any_socket, "--exempt-sender=@" + blank.path(),
                                         "--exempt-sender=@" + commented.path(), "--only-recipient=@" + unended.path()})
                                       .files),
            (Lines{blank.path() + ": exempt-sender: " + empty, unended.path() + ": only-recipient: " + cut}));
  EXPECT_EQ(config::doubtful_files(load({any_socket, "--config=/dev/null"}).files), Lines{});
}

TEST(Warnings, ContradictionsHaveTheirRemedy) {
  const TemporaryFile empty("# nothing\n");
  const std::string list = "@" + empty.path();
  const std::string here = "command line: ";
  const std::string nobody = ", so that no mail is touched; ";
  const std::pair<Arguments, Lines> cases[] = {
      {{}, {}},
      {{"--only-client=10.0.0.0/8", "--exempt-client=10.1.0.0/16", "--only-recipient=a.de", "--audit-exempt=yes"}, {}},
      {{"--only-client=10.1.0.0/16", "--exempt-client=10.0.0.0/8"},
       {here + "only-client: all of it is in exempt-client too" + nobody + "take it out of one of the two"}},
      {{"--only-client=" + list},
       {here + "only-client: there is no network in its file" + nobody + "add one, or leave the option out"}},
      {{"--only-recipient=" + list},
       {here + "only-recipient: there is no domain in its file" + nobody + "add one, or leave the option out"}},
      {{"--exempt-client=0.0.0.0/0"}, {}},
      {{"--exempt-client=0.0.0.0/0", "--exempt-client=::/0"},
       {here + "exempt-client: it has every address, so that only mail of local programs is touched; make it smaller"}},
      {{"--exempt-sender=.a.de", "--exempt-sender=b.a.de"},
       {here + "exempt-sender: b.a.de is in what stands before it already; it can be left out, and so can others"}},
      {{"--group=mail"}, {here + "group: it has no effect without user; set that too"}},
      {{"--audit-exempt=yes"},
       {here + "audit-exempt: it has no effect while all mail is touched; set an only- or exempt- option too"}},
      {{"--audit-exempt=no"}, {}},
      {{"--audit-recipients=yes"},
       {here + "audit-recipients: it has no effect without an audit trail; set audit-log too"}},
      {{"--audit-recipients=yes", "--audit-log=/a"}, {}},
      {{"--msgid-length=100", "--rule.msgid-too-long=off"},
       {here + "msgid-length: it has no effect with rule.msgid-too-long = off; set that to fix or report"}},
      {{"--msgid-length=100", "--rule.msgid-too-long=off", "--rule.non-ascii=fix"}, {}},
      {{"--msgid-domain=a.de", "--rule.msgid-too-long=report"},
       {here + "msgid-domain: it has no effect without rule.msgid-too-long = fix or rule.non-ascii = fix; set one"}},
      {{"--msgid-domain=a.de", "--rule.msgid-too-long=off", "--rule.non-ascii=fix"}, {}},
      {{"--line-length=998", "--rule.line-too-long=off"},
       {here + "line-length: it has no effect with rule.line-too-long = off; set that to fix or report"}},
      {{"--references-length=998", "--rule.references-too-long=off"},
       {here + "references-length: it has no effect with rule.references-too-long = off; set that to fix or report"}},
      {{"--exchange-header-size=65536"},
       {here + "exchange-header-size: it has no effect with exchange = off; set exchange = report"}},
      {{"--line-length=500", "--fold-at=78"},
       {here + "line-length: a msg-id of msgid-length (979) does not fit on a line of line-length (500) and is not "
               "shortened; make msgid-length less"}},
      {{"--line-length=500", "--fold-at=78", "--msgid-length=400"}, {}},
  };
  for (const auto& [arguments, lines] : cases) {
    EXPECT_EQ(config::contradictions(load(arguments)), lines) << ::testing::PrintToString(arguments);
  }
  Arguments off;
  for (const msgid::Rule& rule : msgid::rules()) off.push_back("--rule." + std::string(rule.name) + "=off");
  EXPECT_EQ(config::contradictions(load(off)),
            Lines{"default: rule: all rules are off, so that nothing is ever found; set one to fix or report"});
  off.emplace_back("--exchange=report");
  EXPECT_EQ(config::contradictions(load(off)), Lines{});
}

/// A root directory with the files of a host in it. Its owners can be set by root only.
class Outside : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "skipped: it needs root";
    give("", 0, 0, 0755);
    make("run", 0, 0, 0755);
    make("etc/postfix", 0, 0, 0755);
    make("var/spool/postfix", 0, 0, 0755);
  }

  void make(const std::string& directory, uid_t owner, gid_t group, mode_t mode) const {
    fs::create_directories(root() / directory);
    give(directory, owner, group, mode);
  }

  void give(const std::string& path, uid_t owner, gid_t group, mode_t mode) const {
    ASSERT_EQ(::chown((root() / path).c_str(), owner, group), 0);
    ASSERT_EQ(::chmod((root() / path).c_str(), mode), 0);
  }

  void write(const std::string& path, const std::string& text) const {
    std::ofstream(root() / path, std::ios::binary) << text;
  }

  /// With the service as user daemon.
  Lines obstacles(Arguments arguments) const {
    arguments.emplace_back("--user=daemon");
    return config::obstacles(load(arguments), root().string());
  }

  fs::path root() const { return fs::path(file_.path()).parent_path(); }

  static uid_t user(const char* name) { return getpwnam(name)->pw_uid; }
  static gid_t group(const char* name) { return getgrnam(name)->gr_gid; }

  const TemporaryFile file_{""};
  const std::string here = "command line: ";
};

TEST_F(Outside, TheDirectoryOfTheSocket) {
  const Arguments socket{"--socket=unix:/run/m/s"};
  EXPECT_EQ(obstacles(socket),
            Lines{here + "socket: the directory /run/m is not there; make it: install -d -o daemon -m "
                         "2750 -g GROUP /run/m (those of the service's unit are made when it "
                         "starts)"});
  EXPECT_EQ(obstacles({"--socket=inet:8891@localhost"}), Lines{});
  make("run/m", 0, 0, 0755);
  EXPECT_EQ(obstacles(socket), Lines{here + "socket: the user daemon cannot write to /run/m; chown daemon /run/m"});
  make("run/m", user("daemon"), 0, 0755);
  EXPECT_EQ(obstacles(socket), Lines{});
  make("run", 0, 0, 0700);
  EXPECT_EQ(obstacles(socket), Lines{here + "socket: the user daemon cannot pass /run; chmod o+x /run"});
  make("run", 65534, 65534, 0700);
  EXPECT_EQ(obstacles(socket), Lines{}) << "seen from a user namespace: it may be anybody's";
  make("run", 0, 0, 0755);
  fs::remove_all(root() / "run/m");
  write("run/m", "");
  EXPECT_EQ(obstacles(socket), Lines{here + "socket: /run/m is not a directory; give the path of another"});
}

TEST_F(Outside, TheWayOfTheMta) {
  make("run/m", user("daemon"), group("daemon"), 0750);
  const Arguments socket{"--socket=unix:/run/m/s"};
  EXPECT_EQ(obstacles(socket), Lines{}) << "nobody is known who would come";
  Arguments with_group = socket;
  with_group.emplace_back("--socket-group=mail");
  EXPECT_EQ(obstacles(with_group), Lines{here + "socket: the group mail cannot pass /run/m; chgrp mail /run/m && chmod "
                                                "g+x /run/m"});
  make("run/m", user("daemon"), group("mail"), 0750);
  EXPECT_EQ(obstacles(with_group), Lines{});
  with_group.emplace_back("--socket-mode=0600");
  EXPECT_EQ(obstacles(with_group),
            Lines{here + "socket-mode: the group mail could not write to the socket; set socket-mode = 0660"});

  write("etc/postfix/main.cf", "mail_owner = mail\ncompatibility_level = 3.6\n");
  EXPECT_EQ(obstacles(socket),
            Lines{"default: socket-group: Postfix's user mail could not write to the socket; chgrp mail "
                  "/run/m && chmod g+s /run/m"});
  make("run/m", user("daemon"), group("daemon"), 0755);
  Arguments as_mail = socket;
  as_mail.emplace_back("--group=mail");
  EXPECT_EQ(obstacles(as_mail), Lines{}) << "the socket has the group of the service";
  make("run/m", user("daemon"), group("mail"), 02750);
  EXPECT_EQ(obstacles(socket), Lines{}) << "the socket has the group of its directory";
  make("run/m", user("daemon"), group("daemon"), 0700);
  EXPECT_EQ(obstacles(socket),
            Lines{here + "socket: Postfix's user mail cannot pass /run/m; chgrp mail /run/m && chmod g+x /run/m"});
}

// What a service manager starts is no root, and can give its socket to groups of its own only.
TEST_F(Outside, TheGroupOfTheSocket) {
  if (geteuid() != 0) GTEST_SKIP() << "it takes another user's place";
  make("run/m", user("daemon"), group("daemon"), 0755);
  fs::permissions(root(), fs::perms::others_exec | fs::perms::others_read, fs::perm_options::add);
  const auto as_daemon = [&] {
    const config::Loaded loaded = load({"--socket=unix:/run/m/s", "--socket-group=mail"});
    EXPECT_EQ(seteuid(user("daemon")), 0);
    const Lines lines = config::obstacles(loaded, root().string());
    EXPECT_EQ(seteuid(0), 0);
    return lines;
  };
  EXPECT_EQ(as_daemon(), Lines{here + "socket-group: the user daemon is not in the group mail and cannot give it the "
                                      "socket; chgrp mail /run/m && chmod g+s /run/m, or usermod -aG mail daemon"});
  make("run/m", user("daemon"), group("mail"), 02755);
  EXPECT_EQ(as_daemon(), Lines{});
}

// The Debian package makes one where queue_directory is not the usual one.
TEST_F(Outside, ALinkIntoTheQueueDirectoryIsInside) {
  make("srv/queue/msgid-milter", user("daemon"), group("mail"), 02750);
  make("var/spool/postfix", 0, 0, 0755);
  fs::create_directory_symlink(root() / "srv/queue/msgid-milter", root() / "var/spool/postfix/msgid-milter");
  write("etc/postfix/main.cf", "mail_owner = mail\ncompatibility_level = 3.6\nqueue_directory = /srv/queue\n");
  write("etc/postfix/master.cf", "smtp inet n - y - - smtpd\n");
  EXPECT_EQ(obstacles({"--socket=unix:/var/spool/postfix/msgid-milter/s"}), Lines{});
  make("run/m", user("daemon"), group("mail"), 02750);
  EXPECT_EQ(obstacles({"--socket=unix:/run/m/s"}).size(), 1u);
}

TEST_F(Outside, TheChrootOfPostfix) {
  make("run/m", user("daemon"), group("mail"), 02750);
  make("var/spool/postfix/msgid-milter", user("daemon"), group("mail"), 02750);
  const std::string outside = "--socket=unix:/run/m/s";
  const std::string inside = "--socket=unix:/var/spool/postfix/msgid-milter/s";
  const auto line = [&](const std::string& who, const std::string& queue) {
    return Lines{here + "socket: Postfix's " + who +
                 " run in a chroot (master.cf) and do not see /run/m/s; set socket = "
                 "unix:" +
                 queue +
                 "/msgid-milter/milter.sock, which is unix:msgid-milter/milter.sock in main.cf, or a "
                 "TCP socket"};
  };
  const auto host = [&](const std::string& main_cf, const std::string& master_cf) {
    write("etc/postfix/main.cf", "mail_owner = mail\n" + main_cf);
    write("etc/postfix/master.cf", master_cf);
  };
  const std::string queue = "/var/spool/postfix";
  const std::string level = "compatibility_level = 3.6\n";
  host(level,
       "# service type  private unpriv  chroot\nsmtp inet n - y - - smtpd\n  -o a=b\ncleanup unix n - y - 0 cleanup\n");
  EXPECT_EQ(obstacles({outside}), line("smtpd and cleanup", queue));
  EXPECT_EQ(obstacles({inside}), Lines{});
  EXPECT_EQ(obstacles({"--socket=inet:1@localhost"}), Lines{});
  host(level,
       "smtp inet n - n - - smtpd\ncleanup unix n - - - 0 cleanup\nqmgr unix n - y 300 1 qmgr\n#smtp inet n - y - - "
       "smtpd\n");
  EXPECT_EQ(obstacles({outside}), Lines{});
  host(level, "smtp inet n -\n y - - smtpd\n");
  EXPECT_EQ(obstacles({outside}), line("smtpd", queue));
  for (const char* old : {"", "compatibility_level = 0\n"}) {
    host(old, "smtp inet n - - - - smtpd\n");
    EXPECT_EQ(obstacles({outside}), line("smtpd", queue)) << old;
  }
  host(level, "smtp inet n - - - - smtpd\n");
  EXPECT_EQ(obstacles({outside}), Lines{});
  host(level + "queue_directory =\n  /q\n", "smtp inet n - y - - smtpd\n");
  EXPECT_EQ(obstacles({outside}), line("smtpd", "/q"));
  host(level + "queue_directory = ${data_directory}/q\n", "smtp inet n - y - - smtpd\n");
  EXPECT_EQ(obstacles({outside}), Lines{}) << "only Postfix knows where that is";
}

TEST_F(Outside, TheDirectoryOfTheAuditTrail) {
  make("var/log", 0, 0, 0755);
  const Arguments arguments{"--socket=inet:1@localhost", "--audit-log=/var/log/m/a"};
  ASSERT_EQ(obstacles(arguments).size(), 1U);
  EXPECT_EQ(obstacles(arguments)[0].find(here + "audit-log: the directory /var/log/m is not there; make it"), 0U);
  make("var/log/m", 0, 0, 0755);
  EXPECT_EQ(obstacles(arguments),
            Lines{here + "audit-log: the user daemon cannot write to /var/log/m; chown daemon /var/log/m"});
  write("var/log/m/a", "");
  EXPECT_EQ(obstacles(arguments),
            Lines{here + "audit-log: the user daemon cannot write to /var/log/m/a; chown daemon /var/log/m/a"});
  give("var/log/m/a", user("daemon"), 0, 0640);
  EXPECT_EQ(obstacles(arguments), Lines{});
}

}  // namespace
