"""The Debian package's life: upgrade, removal and purge, and hosts whose MTA is another, none, or comes later."""

import unittest

import deb
import mail
from deb import CONF, UNIT
from machine import Machine, missing, until

POSTFIX_PLACE = "/var/spool/postfix/msgid-milter"
RUN_SOCKET = "/run/msgid-milter/milter.sock"
STARTED = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"  # systemd's catalog: a unit has finished start-up
KEEP_CONFIGURATION = ["-o", "Dpkg::Options::=--force-confold"]  # what unattended-upgrades does, and "N" to the question


def setUpModule():
    reason = missing()
    if reason:
        raise unittest.SkipTest(reason)


class DebLifeTest(unittest.TestCase):
    def boot(self, root):
        root = root.copy(self.id().rsplit(".", 1)[1].replace("_", "-")[:40])
        self.addCleanup(root.remove)
        machine = Machine(root)
        self.addCleanup(machine.stop)
        machine.boot()
        return machine

    def starts(self, machine):
        return len(machine.journal(STARTED, f"UNIT={UNIT}").splitlines())

    def assert_active(self, machine):
        self.assertEqual("active", machine.show(UNIT, "ActiveState")["ActiveState"], machine.journal("-u", UNIT))

    def assert_nothing_left(self, machine):
        left = machine.run("find", "/etc", "/var", "/run", "/usr", "/lib/systemd", "-xdev", "-name", "*msgid*",
                           "-not", "-path", "/var/cache/apt/*", "-not", "-path", "/run/systemd/*").stdout
        self.assertEqual("", left)
        owned = machine.run("find", "/", "-xdev", "-user", "msgid-milter").stdout
        self.assertEqual("", owned)

    def test_upgrade_remove_purge(self):
        root = deb.postfix_system()
        machine = self.boot(root)
        machine.install("/root/msgid-milter.deb")
        mail.attach(machine)
        self.assertEqual(1, self.starts(machine))
        configuration = machine.root.path(CONF)
        edited = configuration.read_text() + "rule.folded = report\n"
        configuration.write_text(edited)

        machine.root.put(deb.newer("newer"), "/root/newer.deb")
        machine.install(*KEEP_CONFIGURATION, "/root/newer.deb")
        self.assertIn("Version: 9:", machine.run("dpkg", "--status", "msgid-milter").stdout)
        self.assertEqual(edited, configuration.read_text())
        self.assertEqual(2, self.starts(machine))
        self.assert_active(machine)
        self.assertEqual(mail.WHOLE, mail.through(machine))

        machine.run("apt-get", "-q", "-y", "remove", "msgid-milter")
        self.assertEqual("inactive", machine.run("systemctl", "is-active", UNIT, check=False).stdout.strip())
        self.assertEqual("", machine.run("sh", "-c", "grep -lx msgid-milter /proc/[0-9]*/comm", check=False).stdout)
        self.assertEqual(edited, configuration.read_text())
        self.assertEqual(mail.BROKEN, mail.through(machine))  # the README's default_action=accept

        machine.run("apt-get", "-q", "-y", "purge", "msgid-milter")
        self.assert_nothing_left(machine)
        self.assertEqual(mail.BROKEN, mail.through(machine))

    def boot_before_postfix(self):
        """With the package installed, and Postfix at hand."""
        root = deb.system().copy("later")
        self.addCleanup(root.remove)
        root.install("postfix", download_only=True)
        root.run("useradd", "--create-home", "reader")
        machine = self.boot(root)
        machine.install("/root/msgid-milter.deb")
        return machine

    def test_postfix_comes_goes_and_is_purged(self):
        machine = self.boot_before_postfix()
        self.assert_active(machine)
        self.assertFalse(machine.root.path(POSTFIX_PLACE).parent.exists())
        machine.run("test", "-S", RUN_SOCKET)

        machine.install("postfix")
        until("the socket", lambda: machine.run("test", "-S", f"{POSTFIX_PLACE}/milter.sock", check=False)
              .returncode == 0)
        self.assertEqual(2, self.starts(machine))
        mail.attach(machine)
        self.assertEqual(mail.WHOLE, mail.through(machine))

        machine.run("dpkg-trigger", "--by-package=postfix", "/usr/sbin/postconf")
        machine.run("dpkg", "--configure", "--pending")
        self.assertEqual(2, self.starts(machine), "it is restarted where it already listens")

        machine.run("apt-get", "-q", "-y", "purge", "postfix")
        until("the socket", lambda: machine.run("test", "-S", RUN_SOCKET, check=False).returncode == 0)
        self.assert_active(machine)

    def test_failed_service_is_revived_and_a_place_in_use_is_left_alone(self):
        machine = self.boot_before_postfix()
        shipped = machine.root.path(CONF).read_text()
        machine.root.path(CONF).write_text(f"{shipped}socket = unix:{POSTFIX_PLACE}/milter.sock\n")
        machine.run("systemctl", "restart", UNIT, check=False)
        self.assertEqual("failed", machine.show(UNIT, "ActiveState")["ActiveState"])

        machine.install("postfix")
        until("the socket", lambda: machine.run("test", "-S", f"{POSTFIX_PLACE}/milter.sock", check=False)
              .returncode == 0)
        until("its start", lambda: machine.show(UNIT, "ActiveState")["ActiveState"] == "active")

        # The configuration names the place.
        starts = self.starts(machine)
        machine.run("apt-get", "-q", "-y", "remove", "postfix")
        machine.run("test", "-S", f"{POSTFIX_PLACE}/milter.sock")
        self.assertEqual(starts, self.starts(machine))

        # No postconf, and a directory with a socket in use: a Postfix that is no package, say.
        machine.root.path(CONF).write_text(shipped)
        machine.root.path(f"{POSTFIX_PLACE}/somebodys").write_text("")
        machine.run("dpkg", "--install", "/root/msgid-milter.deb")
        self.assert_active(machine)
        machine.run("test", "-S", f"{POSTFIX_PLACE}/milter.sock")
        machine.run("apt-get", "-q", "-y", "purge", "msgid-milter")
        self.assertEqual(["somebodys"], [path.name for path in machine.root.path(POSTFIX_PLACE).iterdir()])

    def test_configured_before_postfix_that_is_unpacked(self):
        root = deb.postfix_system().copy("together")
        self.addCleanup(root.remove)
        root.install("/root/msgid-milter.deb", "postfix")
        root.run("dpkg", "--purge", "msgid-milter", "postfix")
        root.run("sh", "-c", "! getent passwd postfix || userdel postfix; ! getent group postfix || groupdel -f postfix")
        archive = next(root.path("/var/cache/apt/archives").glob("postfix_*.deb"))
        root.run("dpkg", "--install", "/root/msgid-milter.deb", f"/var/cache/apt/archives/{archive.name}")
        stat = root.run("stat", "-c", "%U:%G %a", POSTFIX_PLACE).stdout.strip()
        self.assertEqual("msgid-milter:postfix 2750", stat)

    def test_other_queue_directory(self):
        root = deb.postfix_system().copy("queue")
        self.addCleanup(root.remove)
        root.run("mv", "/var/spool/postfix", "/srv/queue")
        root.run("postconf", "-e", "base = /srv", "queue_directory = $base/queue")
        machine = self.boot(root)
        machine.install("/root/msgid-milter.deb")
        machine.run("test", "-S", "/srv/queue/msgid-milter/milter.sock")
        self.assertNotIn("warning:", machine.run("msgid-milter", "--check-config").stderr)
        mail.attach(machine)
        self.assertEqual(mail.WHOLE, mail.through(machine))

        # A main.cf that cannot be read at the moment moves nothing.
        main_cf = machine.root.path("/etc/postfix/main.cf")
        right = main_cf.read_text()
        main_cf.write_text(right + "broken\n")
        machine.run("dpkg", "--install", "/root/msgid-milter.deb")
        machine.run("test", "-S", "/srv/queue/msgid-milter/milter.sock")
        main_cf.write_text(right)

        machine.run("apt-get", "-q", "-y", "purge", "msgid-milter")
        self.assert_nothing_left(machine)
        self.assertFalse(machine.root.path("/srv/queue/msgid-milter").exists())
        self.assertFalse(machine.root.path("/var/spool/postfix").exists())

    def test_sendmail(self):
        root = deb.system().copy("sendmail")
        self.addCleanup(root.remove)
        root.install("sendmail-bin", "sensible-mda", "make", download_only=True)
        root.run("useradd", "--create-home", "reader")
        machine = self.boot(root)
        # Without a full name of its own Sendmail sleeps a minute, again and again.
        machine.root.path("/etc/hosts").write_text(f"127.0.0.1 relay.example relay {machine.root.name} localhost\n")
        machine.install("/root/msgid-milter.deb", "sendmail-bin", "sensible-mda", "make")
        self.assert_active(machine)
        lines = mail.readme_lines("Attach it to Sendmail", "INPUT_MAIL_FILTER")
        self.assertEqual(1, len(lines), lines)
        with open(machine.root.path("/etc/mail/sendmail.mc"), "a", encoding="utf-8") as mc:
            mc.write(lines[0] + "\n")
        machine.run("make", "-C", "/etc/mail")
        machine.run("systemctl", "restart", "sendmail")
        self.assertEqual(mail.WHOLE, mail.through(machine))
