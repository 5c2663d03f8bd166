"""Socket activation as the Debian package has it, under a booted systemd: mail goes through restarts and an upgrade."""

import concurrent.futures
import unittest

import deb
import mail
import producers
from deb import CONF, UNIT
from machine import PLACE, Machine, missing, until

SOCKET_UNIT = "msgid-milter.socket"
PLACE_OF_POSTFIX = "/var/spool/postfix/msgid-milter"
LINK = "/run/msgid-milter-place"
RESTARTS = 5

# Sends until the file is there, one message a session; the last line is their number, those before it the refusals.
_CLIENT = """
import os, smtplib, sys, time
octets, sent = sys.stdin.buffer.read(), 0
while not os.path.exists(sys.argv[1]):
    try:
        with smtplib.SMTP("127.0.0.1", 25, "app.example", timeout=60) as client:
            client.sendmail("reader@localhost", ["reader+load@localhost"], octets)
        sent += 1
    except smtplib.SMTPException as error:
        print(repr(error))
    time.sleep(0.02)
print(sent)
"""


def setUpModule():
    reason = missing()
    if reason:
        raise unittest.SkipTest(reason)


class DebSocketTest(unittest.TestCase):
    def setUp(self):
        root = deb.postfix_system().copy("socket")
        self.addCleanup(root.remove)
        self.machine = Machine(root)
        self.addCleanup(self.machine.stop)
        self.machine.boot()
        self.run_in = self.machine.run
        self.machine.install("/root/msgid-milter.deb")
        mail.attach(self.machine)
        self.machine.root.put(deb.newer("newer"), "/root/newer.deb")

    def start_both(self):
        self.run_in("systemctl", "start", SOCKET_UNIT, UNIT)

    def states(self):
        return [self.machine.show(unit, "ActiveState")["ActiveState"] for unit in (SOCKET_UNIT, UNIT)]

    def repaired(self):
        """How many messages the reader has that are whole; fails where one is not."""
        mailbox = self.machine.root.path("/var/mail/reader").read_bytes()
        self.assertNotIn(b"\nMessage-ID: =?", mailbox)
        return mailbox.count(b"\nMessage-ID: " + producers.AMAZON.encode() + b"\n")

    # One machine, in the order of an administrator's days.
    def test_life(self):
        self.enable()
        self.restart_and_upgrade_under_load()
        self.stop_is_until_the_next_connection()
        self.move_to_run_and_back()
        self.give_up_and_recover()
        self.move_queue_directory()
        self.remove()

    def enable(self):
        self.assertEqual("", self.run_in("systemd-analyze", "verify", "--man=no", SOCKET_UNIT, UNIT).stderr)
        self.assertEqual("disabled", self.machine.show(SOCKET_UNIT, "UnitFileState")["UnitFileState"])
        self.assertEqual(["inactive", "active"], self.states())
        # Under the service that runs, systemd refuses, and nothing else happens.
        self.assertNotEqual(0, self.run_in("systemctl", "enable", "--now", SOCKET_UNIT, check=False).returncode)
        self.assertEqual(mail.WHOLE, mail.through(self.machine))
        self.run_in("systemctl", "stop", UNIT)
        self.start_both()
        self.assertEqual(["active", "active"], self.states())
        stat = self.run_in("stat", "-c", "%U:%G %a %F", f"{PLACE_OF_POSTFIX}/milter.sock").stdout
        self.assertEqual("root:postfix 660 socket", stat.strip())
        self.assertRegex(self.machine.journal("-u", UNIT),
                         rf"serving unix:{PLACE_OF_POSTFIX}/milter.sock .* systemd={SOCKET_UNIT}\n")

    def restart_and_upgrade_under_load(self):
        before = self.repaired()
        opened = self.machine.show(SOCKET_UNIT, "ActiveEnterTimestampMonotonic")
        milter = "unix:msgid-milter/milter.sock"
        self.run_in("postconf", "-e", f"smtpd_milters = {{ {milter}, default_action=tempfail }}")
        self.run_in("postfix", "reload")
        over = PLACE / "over"
        over.unlink(missing_ok=True)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            clients = [pool.submit(self.machine.run_in_network, "/usr/bin/python3", "-c", _CLIENT, over,
                                   input=mail.BROKEN, text=False) for _ in range(4)]
            try:
                for _ in range(RESTARTS):
                    self.run_in("systemctl", "restart", UNIT)
                self.machine.install("/root/newer.deb")
            finally:
                over.write_text("")
            said = [client.result().stdout.decode().splitlines() for client in clients]
        self.assertIn("Version: 9:", self.run_in("dpkg", "--status", "msgid-milter").stdout)
        self.assertEqual([], [refusal for lines in said for refusal in lines[:-1]])
        sent = sum(int(lines[-1]) for lines in said)
        self.assertGreater(sent, 10 * RESTARTS)
        until("what was sent", lambda: self.repaired() >= before + sent)
        self.assertEqual(before + sent, self.repaired())
        self.assertEqual(RESTARTS + 1, self.machine.journal("-u", UNIT).count(f"systemd={SOCKET_UNIT}") - 1)
        self.assertEqual(opened, self.machine.show(SOCKET_UNIT, "ActiveEnterTimestampMonotonic"))
        print(f"\n{sent} messages, {RESTARTS} restarts and an upgrade, none refused", end=" ", flush=True)

    def stop_is_until_the_next_connection(self):
        self.run_in("systemctl", "stop", UNIT)
        self.run_in("test", "-S", f"{PLACE_OF_POSTFIX}/milter.sock")
        self.assertEqual(mail.WHOLE, mail.through(self.machine))
        self.assertEqual(["active", "active"], self.states())

    def move_to_run_and_back(self):
        self.run_in("systemctl", "stop", SOCKET_UNIT, UNIT)
        self.run_in("rmdir", PLACE_OF_POSTFIX)
        self.start_both()
        socket = "/run/msgid-milter/milter.sock"
        self.assertEqual("root:root 660 socket", self.run_in("stat", "-c", "%U:%G %a %F", socket).stdout.strip())
        self.run_in("systemctl", "stop", UNIT)
        self.run_in("test", "-S", socket)
        # As when Postfix is installed later.
        self.run_in("dpkg-trigger", "--by-package=postfix", "/usr/sbin/postconf")
        self.run_in("dpkg", "--configure", "--pending")
        self.assertEqual(["active", "active"], self.states())
        self.run_in("test", "-S", f"{PLACE_OF_POSTFIX}/milter.sock")
        self.assertEqual(mail.WHOLE, mail.through(self.machine))

    def give_up_and_recover(self):
        mail.attach(self.machine)  # default_action=accept
        conf = self.machine.root.path(CONF)
        shipped = conf.read_text()
        conf.write_text(shipped + "rule.encoded-word = perhaps\n")
        self.run_in("systemctl", "restart", UNIT, check=False)
        self.assertEqual(mail.BROKEN, mail.through(self.machine))
        self.assertEqual({"ActiveState": "failed", "Result": "trigger-limit-hit"},
                         self.machine.show(SOCKET_UNIT, "ActiveState", "Result"))
        self.assertFalse(self.machine.root.path(f"{PLACE_OF_POSTFIX}/milter.sock").exists())
        conf.write_text(shipped)
        self.start_both()
        self.assertEqual(mail.WHOLE, mail.through(self.machine))

    def move_queue_directory(self):
        # By a trigger of Postfix, and by an upgrade; the directory of the socket is another one each time.
        for queue, look_again in (("/srv/queue", ["dpkg-trigger", "--by-package=postfix", "/usr/sbin/postconf"]),
                                  ("/srv/other", ["dpkg", "--install", "/root/newer.deb"])):
            self.run_in("systemctl", "stop", "postfix")
            self.run_in("cp", "-a", "/var/spool/postfix", queue)
            self.run_in("rm", "-rf", f"{queue}/msgid-milter")
            self.run_in("postconf", "-e", f"queue_directory = {queue}")
            self.run_in(*look_again)
            self.run_in("dpkg", "--configure", "--pending")
            self.run_in("systemctl", "start", "postfix")
            self.assertEqual(["active", "active"], self.states())
            self.run_in("test", "-S", f"{queue}/msgid-milter/milter.sock")
            self.assertEqual(mail.WHOLE, mail.through(self.machine))

    def remove(self):
        self.run_in("apt-get", "-q", "-y", "remove", "msgid-milter")
        for path in (f"{PLACE_OF_POSTFIX}/milter.sock", LINK):
            self.assertNotEqual(0, self.run_in("test", "-e", path, check=False).returncode, path)
        units = self.run_in("systemctl", "list-units", "--no-legend", "--state=active", "msgid-milter*").stdout
        self.assertEqual("", units)
        self.run_in("apt-get", "-q", "-y", "purge", "msgid-milter")
        self.assertEqual("", self.run_in("find", "/etc", "/var/lib/systemd", "/run", "-xdev", "-name", "*msgid*",
                                         "-not", "-path", "/run/systemd/*").stdout)
