"""The service as the Debian package installs it, on a host with Debian's chrooted Postfix, under its own systemd."""

import re
import resource
import subprocess
import unittest

import deb
import mail
from deb import CONF, UNIT
from machine import Machine, missing, until
from unit import PROBE

_SCRAPE = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9891/metrics', timeout=60).read().decode())"
SOCKET = "/var/spool/postfix/msgid-milter/milter.sock"


def setUpModule():
    reason = missing()
    if reason:
        raise unittest.SkipTest(reason)


class ServiceCase(unittest.TestCase):
    """One machine for all tests of a class; each begins with the configuration that the package ships."""

    @classmethod
    def setUpClass(cls):
        root = deb.postfix_system().copy(cls.__name__)
        cls.addClassCleanup(root.remove)
        cls.machine = Machine(root)
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.boot()
        cls.machine.install("/root/msgid-milter.deb")
        cls.shipped = root.path(CONF).read_text()
        mail.attach(cls.machine)

    def setUp(self):
        self.configure("", "restart")

    def configure(self, lines, how):
        self.machine.root.path(CONF).write_text(self.shipped + lines)
        self.machine.run("systemctl", how, UNIT)

    def until_logged(self, text):
        """The journal takes a line when it has time."""
        until(text, lambda: text in self.machine.journal("-u", UNIT))

    def drop_in(self, text):
        """For the unit, until the end of the test."""
        path = self.machine.root.path(f"/etc/systemd/system/{UNIT}.d/test.conf")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[Service]\n" + text)
        self.machine.run("systemctl", "daemon-reload")

        def undo():
            path.unlink()
            self.machine.run("systemctl", "daemon-reload")
        self.addCleanup(undo)

    def main_process(self):
        return self.machine.show(UNIT, "MainPID")["MainPID"]


class DebServiceTest(ServiceCase):
    def test_is_active_and_enabled(self):
        shown = self.machine.show(UNIT, "ActiveState", "SubState", "UnitFileState", "Type", "StatusText", "User")
        self.assertEqual(("active", "running", "enabled", "notify", "msgid-milter"),
                         tuple(shown[name] for name in ("ActiveState", "SubState", "UnitFileState", "Type", "User")))
        self.assertRegex(shown["StatusText"], r"\d")

    def test_socket_is_reachable_for_postfix_alone(self):
        run = self.machine.run
        place = SOCKET.rsplit("/", 1)[0]
        self.assertEqual("msgid-milter:postfix 2750", run("stat", "-c", "%U:%G %a", place).stdout.strip())
        self.assertEqual("msgid-milter:postfix 660 socket", run("stat", "-c", "%U:%G %a %F", SOCKET).stdout.strip())
        check = run("postfix", "check")
        self.assertEqual("", check.stdout + check.stderr)

    def test_smtpd_is_chrooted(self):  # else the tests of this file show less than they say
        self.assertRegex(self.machine.run("postconf", "-M", "smtp/inet").stdout, r"smtp +inet +n +- +y ")

    def test_message_is_repaired(self):
        self.assertEqual(mail.WHOLE, mail.through(self.machine))
        self.until_logged("rule=encoded-word action=rewritten")

    def test_local_submission_is_repaired(self):
        self.machine.run("sh", "-c", "sendmail -i -f reader@localhost reader+local@localhost",
                         input=mail.BROKEN.replace(b"\r\n", b"\n"), text=False)
        until("its delivery", lambda: mail.delivered(self.machine, b"reader+local@localhost"))
        self.assertEqual(mail.WHOLE, mail.delivered(self.machine, b"reader+local@localhost"))

    def test_log_only_changes_nothing(self):
        self.configure("mode = log-only\n", "restart")
        self.assertEqual(mail.BROKEN, mail.through(self.machine))
        self.until_logged("rule=encoded-word action=would-rewrite")

    def test_reload_takes_a_changed_rule(self):
        before = self.main_process()
        self.configure("rule.encoded-word = off\n", "reload")
        until("the reload", lambda: "reloaded" in self.machine.journal("-u", UNIT, f"_PID={before}"))
        self.assertEqual(mail.BROKEN, mail.through(self.machine))
        self.assertEqual(before, self.main_process())

    def test_reload_of_the_shipped_configuration_warns_of_nothing(self):
        def warnings():
            started = self.machine.show(UNIT, "InvocationID")["InvocationID"]
            said = self.machine.journal(f"_SYSTEMD_INVOCATION_ID={started}")
            return [line for line in said.splitlines() if "warning:" in line]
        self.configure("", "reload")
        self.configure("audit-exempt = yes\n", "reload")  # this one does, and so what the first said is there too
        said = until("the warning", warnings)
        self.assertEqual(1, len(said), said)
        self.assertIn("audit-exempt", said[0])

    def test_broken_file_is_refused_and_the_old_one_stays(self):
        before = self.main_process()
        self.machine.root.path(CONF).write_text(self.shipped + "rule.encoded-word = perhaps\n")
        self.assertNotEqual(0, self.machine.run("systemctl", "reload", UNIT, check=False).returncode)
        until("the reason", lambda: re.search(re.escape(CONF) + r":\d+: rule\.encoded-word: ",
                                              self.machine.journal("-u", UNIT)))
        self.assertEqual(before, self.main_process())
        self.assertEqual("active", self.machine.show(UNIT, "ActiveState")["ActiveState"])
        self.assertEqual(mail.WHOLE, mail.through(self.machine))

    def test_reload_without_the_file_is_refused(self):
        before = self.main_process()
        conf = self.machine.root.path(CONF)
        conf.rename(conf.with_suffix(".away"))
        self.machine.run("systemctl", "reload", UNIT)
        until("the refusal", lambda: f'what="{CONF}: it was read before and is not there"'
              in self.machine.journal("-u", UNIT, f"_PID={before}"))
        conf.with_suffix(".away").rename(conf)
        self.machine.run("systemctl", "reload", UNIT)
        self.assertEqual(before, self.main_process())

    def test_broken_file_at_start_is_not_tried_again(self):
        self.machine.root.path(CONF).write_text(self.shipped + "rule.encoded-word = perhaps\n")
        self.machine.run("systemctl", "restart", UNIT, check=False)
        shown = self.machine.show(UNIT, "ActiveState", "ExecMainStatus")
        self.assertEqual({"ActiveState": "failed", "ExecMainStatus": "78"}, shown)
        self.assertEqual(mail.BROKEN, mail.through(self.machine))  # default_action=accept

    def test_killed_it_comes_back(self):
        for _ in range(8):  # more than systemd's usual limit of five starts in ten seconds
            before = self.main_process()
            self.machine.run("sh", "-c", f"kill -9 {before}")  # the kill program is not everywhere
            until("a new process", lambda: self.main_process() not in (before, "0"))
            until("readiness", lambda: self.machine.show(UNIT, "ActiveState")["ActiveState"] == "active")
        self.assertEqual(mail.WHOLE, mail.through(self.machine))

    def test_rotation_opens_the_trail_anew(self):
        self.configure("audit-log = /var/log/msgid-milter/audit.jsonl\n", "restart")
        logs = self.machine.root.path("/var/log/msgid-milter")
        mail.through(self.machine)
        until("a record", lambda: "encoded-word" in (logs / "audit.jsonl").read_text())
        self.machine.run("logrotate", "--force", "/etc/logrotate.d/msgid-milter")
        until("a new file", lambda: (logs / "audit.jsonl").exists())
        mail.through(self.machine)
        until("a record in the new file", lambda: "encoded-word" in (logs / "audit.jsonl").read_text())
        self.assertIn("encoded-word", (logs / "audit.jsonl.1").read_text())
        self.assertEqual("msgid-milter 640", self.machine.run("stat", "-c", "%U %a", "/var/log/msgid-milter/audit.jsonl")
                         .stdout.strip())

    def test_starts_at_boot_before_postfix(self):
        self.machine.stop()
        self.machine.boot()
        self.assertEqual("active", self.machine.show(UNIT, "ActiveState")["ActiveState"])
        self.assertEqual(mail.WHOLE, mail.through(self.machine))
        ready = int(self.machine.show(UNIT, "ActiveEnterTimestampMonotonic")["ActiveEnterTimestampMonotonic"])
        # Debian 12 starts an instance; postfix.service does nothing there, and everything in Debian 13.
        began = [int(self.machine.show(unit, "InactiveExitTimestampMonotonic")["InactiveExitTimestampMonotonic"])
                 for unit in ("postfix.service", "postfix@-.service")]
        self.assertLess(ready, min(time for time in began if time > 0))


class DebShortageTest(ServiceCase):
    """Temporary shortages: the service starts by itself when they are over."""

    def state(self):
        return self.machine.show(UNIT, "ActiveState", "SubState", "NRestarts", "ExecMainStatus")

    def restart_and_fail(self, status):
        """systemd tries again and again; the last try ends with one of these exit statuses."""
        self.machine.run("systemctl", "restart", "--no-block", UNIT)
        until("restarts", lambda: int(self.state()["NRestarts"]) >= 2)
        until("a status", lambda: self.state()["ExecMainStatus"] in status)

    def assert_served(self):
        until("the service", lambda: self.state()["ActiveState"] == "active")
        self.assertEqual(mail.WHOLE, mail.through(self.machine))

    def test_retries_without_descriptors_threads_or_memory(self):
        path = self.machine.root.path(f"/etc/systemd/system/{UNIT}.d/test.conf")
        self.drop_in("")
        for limit in ("LimitNOFILE=6", "LimitNPROC=2", "LimitAS=24M"):
            with self.subTest(limit):
                path.write_text(f"[Service]\n{limit}\n")
                self.machine.run("systemctl", "daemon-reload")
                self.restart_and_fail(("71", "75"))
                path.write_text("")
                self.machine.run("systemctl", "daemon-reload")
                self.assert_served()

    def test_retries_until_the_port_is_free(self):
        other = ("import socket, time; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);"
                 "s.bind(('127.0.0.1', 9891)); s.listen(); print(flush=True); time.sleep(300)")
        self.configure("", "stop")
        with subprocess.Popen(self.machine.in_network("/usr/bin/python3", "-c", other), stdout=subprocess.PIPE) as taken:
            try:
                taken.stdout.readline()
                self.machine.root.path(CONF).write_text(self.shipped + "metrics = 9891\n")
                self.restart_and_fail(("75",))
            finally:
                taken.kill()
        self.assert_served()

    def test_retries_until_the_address_exists(self):
        self.configure("", "stop")
        self.machine.root.path(CONF).write_text(self.shipped + "metrics = 10.77.0.1:9891\n")
        self.restart_and_fail(("75",))
        self.machine.run_in_network("ip", "address", "add", "10.77.0.1/32", "dev", "lo")
        self.assert_served()

    def test_serves_without_inodes_for_the_audit_log(self):
        logs = "/var/log/msgid-milter"
        self.configure("", "stop")
        self.machine.run("mount", "-t", "tmpfs", "-o", "nr_inodes=1,uid=msgid-milter,gid=msgid-milter,mode=0750",
                         "none", logs)
        self.addCleanup(self.machine.run, "umount", "--lazy", logs)
        self.configure(f"audit-log = {logs}/audit.jsonl\n", "restart")
        self.until_logged("audit-log cannot be opened; mail is filtered without it: "
                          f'{logs}/audit.jsonl what="No space left on device"')
        self.assertEqual(mail.WHOLE, mail.through(self.machine))
        self.machine.run("mount", "-o", "remount,nr_inodes=100", logs)
        self.until_logged(f"audit-log opened: {logs}/audit.jsonl")
        until("the record that has waited",
              lambda: "encoded-word" in self.machine.run("cat", f"{logs}/audit.jsonl").stdout)


class DebSandboxTest(ServiceCase):
    def test_exposure(self):
        said = self.machine.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
        exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        self.assertLessEqual(float(exposure[1]), 1.5, said)

    def test_process_has_no_rights(self):
        status = self.machine.run("cat", f"/proc/{self.main_process()}/status").stdout
        rights = dict(line.split(":\t", 1) for line in status.splitlines())
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(0, int(rights[name], 16), name)
        self.assertEqual(("1", "2"), (rights["NoNewPrivs"], rights["Seccomp"]))
        self.assertNotIn("0", rights["Uid"].split() + rights["Gid"].split())
        limits = self.machine.run("cat", f"/proc/{self.main_process()}/limits").stdout
        most = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1] % 2**64)  # a test host may allow less
        self.assertRegex(limits, rf"Max open files +{most} +{most} ")
        self.assertEqual("8192", self.machine.show(UNIT, "TasksMax")["TasksMax"])

    def test_writes_nowhere_else(self):
        # As root, for whom it is the sandbox that refuses, not the owner or the mode.
        def can_write(directory):
            return self.machine.run("nsenter", "-t", self.main_process(), "-m", "touch", f"{directory}/written",
                                    check=False).returncode == 0
        writable = ["/run/msgid-milter", "/var/log/msgid-milter", "/var/spool/postfix/msgid-milter", "/tmp", "/var/tmp"]
        refused = ["/", "/etc", "/etc/msgid-milter", "/usr/sbin", "/opt", "/srv", "/root", "/home", "/home/reader",
                   "/run", "/run/lock", "/dev/shm", "/var", "/var/lib", "/var/log", "/var/mail", "/var/spool", "/var/spool/postfix",
                   "/var/spool/postfix/public", "/sys/fs/cgroup", "/proc/sys/kernel"]
        self.assertEqual(writable, [directory for directory in writable + refused if can_write(directory)])
        for directory in ("/tmp", "/var/tmp"):
            self.assertFalse(self.machine.root.path(f"{directory}/written").exists(), "it has one of its own")

    def test_calls_that_are_refused(self):
        # Under the unit's own sandbox, beside the daemon.
        probe = self.machine.root.path("/usr/local/lib/probe")
        probe.write_text(PROBE)
        self.drop_in("ExecStartPost=/usr/bin/perl /usr/local/lib/probe /var/log/msgid-milter/probe\n")
        self.machine.run("systemctl", "restart", UNIT)
        answers = self.machine.root.path("/var/log/msgid-milter/probe").read_text().split()
        outside = self.machine.run("setpriv", "--reuid=msgid-milter", "--clear-groups", "sh", "-c",
                                   "perl /usr/local/lib/probe /tmp/probe && cat /tmp/probe").stdout.split()
        allowed = ["unix=yes", "inet=yes", "inet6=yes"]
        self.assertEqual(allowed, [answer for answer in answers if answer.endswith("=yes")], answers)
        # The probe can tell: without the sandbox these work for the same user.
        self.assertEqual([answer.replace("=no", "=yes") for answer in answers], outside)

    def test_every_option_works_in_it(self):
        # A call that the filter refuses kills here: what the daemon could get over would stay unseen.
        self.drop_in("SystemCallErrorNumber=kill\n")
        run = self.machine.run
        # Another group than the directory gives the socket, or there is nothing to change. As msgid-milter.conf(5)
        # says of socket-group, the service's user is a member; and so is the MTA's.
        run("groupadd", "--system", "relays")
        for user in ("msgid-milter", "postfix"):
            run("usermod", "--append", "--groups", "relays", user)
        self.machine.root.path("/etc/msgid-milter/recipients").write_text("localhost\nexample.com\n")
        self.machine.root.path("/etc/msgid-milter/clients").write_text("# none\n192.0.2.0/24\n")
        seen = set()
        endpoints = {"unix": (f"unix:{SOCKET}", "unix:msgid-milter/milter.sock"),
                     "tcp": ("inet:8891@127.0.0.1", "inet:127.0.0.1:8891"),
                     "tcp6": ("inet6:8891@::1", "inet:[::1]:8891")}
        attached = run("postconf", "-h", "smtpd_milters").stdout.strip()
        self.addCleanup(lambda: (run("postconf", "-e", f"smtpd_milters = {attached}"), run("postfix", "reload")))
        for kind, (socket, postfix) in endpoints.items():
            with self.subTest(kind):
                lines = self._all_options(socket, kind)
                seen |= {line.split(" = ")[0] for line in lines}
                self.machine.root.path(CONF).write_text("\n".join(lines) + "\n")
                run("/usr/sbin/msgid-milter", "--check-config")
                run("systemctl", "restart", UNIT)
                if kind == "unix":
                    self.assertEqual("relays", run("stat", "-c", "%G", SOCKET).stdout.strip())
                run("postconf", "-e", f"smtpd_milters = {{ {postfix}, default_action=accept }}")
                run("postfix", "reload")
                self.assertEqual(mail.WHOLE, mail.through(self.machine))
                scraped = self.machine.run_in_network("/usr/bin/python3", "-c", _SCRAPE).stdout
                self.assertRegex(scraped, r"(?m)^msgid_milter_messages_total\S* 1$")
                before = self.main_process()
                run("systemctl", "reload", UNIT)
                run("systemctl", "kill", "--kill-who=main", "-s", "USR1", UNIT)
                self.assertEqual(mail.WHOLE, mail.through(self.machine))
                self.assertEqual(before, self.main_process())
                run("systemctl", "stop", UNIT)
                self.assertEqual({"Result": "success", "NRestarts": "0"},
                                 self.machine.show(UNIT, "Result", "NRestarts"))
        known = set(re.findall(r"^  --([\w.-]+)", run("msgid-milter", "--help").stdout, re.M))
        commands = {"config", "check-config", "print-config", "help", "version"}
        self.assertEqual(known - commands, seen)

    def _all_options(self, socket, kind):
        """A line for each option: these, and the default of all others that --help names."""
        given = {"socket": socket, "user": "msgid-milter", "group": "msgid-milter",
                 "log": {"unix": "syslog"}.get(kind, "stderr"),
                 "audit-log": "/var/log/msgid-milter/audit.jsonl", "audit-recipients": "yes",
                 "extra-field": "Original-Message-ID", "msgid-length": "977", "msgid-domain": "example.com",
                 "exchange": "report", "signed": "keep", "metrics": "127.0.0.1:9891",
                 "only-recipient": "@/etc/msgid-milter/recipients", "only-client": "127.0.0.0/8",
                 "exempt-client": "@/etc/msgid-milter/clients", "exempt-sender": "<>", "exempt-authenticated": "yes",
                 "audit-exempt": "yes"}
        if kind == "unix":
            given |= {"socket-mode": "0660", "socket-group": "relays"}
        printed = self.machine.run("msgid-milter", "--config=/dev/null", "--print-config").stdout
        for line in printed.splitlines():
            name, _, value = line.split(" #")[0].strip().partition(" = ")
            if value and name not in given and not (name == "socket-mode" and kind != "unix"):
                given[name] = value
        return [f"{name} = {value}" for name, value in given.items()]

    def test_a_forbidden_call_would_be_seen(self):
        self.drop_in("SystemCallErrorNumber=kill\nSystemCallFilter=~accept accept4\n")
        self.machine.run("systemctl", "restart", UNIT, check=False)

        def is_killed():  # a session makes it call accept
            mail.through(self.machine)
            return "status=31/SYS" in self.machine.journal("-u", UNIT)
        until("its end by the filter", is_killed)
