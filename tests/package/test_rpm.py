"""The rpm: installed, upgraded and erased with rpm's own database on Debian, and its service under systemd."""

import re
import shutil
import unittest

import rpm
from deb import CONF, UNIT
from machine import Machine, missing, run_on_host, until

PLACE = "/var/spool/postfix/msgid-milter"


def setUpModule():
    reason = missing()
    if reason:
        raise unittest.SkipTest(reason)


class RpmTest(unittest.TestCase):
    """Each test has a machine of its own, and the package installed in it."""

    def setUp(self):
        root = rpm.system().copy("rpm")
        self.addCleanup(root.remove)
        self.root = root
        self.machine = Machine(root)
        self.addCleanup(self.machine.stop)
        self.machine.boot()
        self.run_in = self.machine.run
        self.run_in(*rpm.INSTALL, "/root/msgid-milter.rpm")

    def install(self, package):
        return self.run_in(*rpm.INSTALL, self.root.put(package, f"/root/{package.name}"))

    def state(self):
        return self.machine.show(UNIT, "ActiveState")["ActiveState"]

    def stat(self, path):
        return self.run_in("stat", "-c", "%U:%G %a", path).stdout.strip()

    def test_installed(self):
        self.assertEqual("", self.run_in("rpm", "-V", "--nodeps", "msgid-milter").stdout)
        self.assertRegex(self.run_in("getent", "passwd", "msgid-milter").stdout, r":(/usr)?/sbin/nologin$")
        self.assertEqual("root:root 644", self.stat(CONF))
        self.assertEqual("root:root 755", self.stat("/usr/sbin/msgid-milter"))
        self.assertEqual("msgid-milter:msgid-milter 750", self.stat("/var/log/msgid-milter"))
        self.assertEqual("msgid-milter:msgid-milter 755", self.stat("/run/msgid-milter"))
        # By Debian's preset, which enables all; Fedora's enables nothing. It is not started: the administrator does.
        self.assertEqual("enabled", self.machine.show(UNIT, "UnitFileState")["UnitFileState"])
        self.assertEqual("inactive", self.state())
        self.assertEqual("disabled", self.machine.show("msgid-milter.socket", "UnitFileState")["UnitFileState"])
        self.assertEqual(CONF, [line for line in self.run_in("rpm", "-qc", "msgid-milter").stdout.splitlines()
                                if line.startswith("/etc/msgid")][0])

    def test_service_runs_and_reloads(self):
        self.run_in("systemctl", "start", UNIT)
        self.assertEqual("active", self.state())
        self.run_in("test", "-S", "/run/msgid-milter/milter.sock")
        with open(self.root.path(CONF), "a", encoding="utf-8") as conf:
            conf.write("rule.folded = fix\n")
        self.run_in("systemctl", "reload", UNIT)
        until("the reload", lambda: "reloaded old-sessions=0" in self.machine.journal("-u", UNIT))
        with open(self.root.path(CONF), "a", encoding="utf-8") as conf:
            conf.write("rule.folded = perhaps\n")
        self.assertNotEqual(0, self.run_in("systemctl", "reload", UNIT, check=False).returncode)
        self.assertEqual("active", self.state())

    def test_upgrade_keeps_the_configuration_and_restarts(self):
        self.run_in("systemctl", "start", UNIT)
        with open(self.root.path(CONF), "a", encoding="utf-8") as conf:
            conf.write("# Edited.\n")
        before = self.machine.show(UNIT, "MainPID")
        self.install(rpm.newer())
        self.assertTrue(self.root.path(CONF).read_text().endswith("# Edited.\n"))
        self.assertTrue(self.root.path(CONF + ".rpmnew").read_text().endswith("# A later version.\n"))
        self.assertEqual("active", self.state())
        self.assertNotEqual(before, self.machine.show(UNIT, "MainPID"))
        self.assertEqual(1, self.machine.journal("-u", UNIT).count("stopped cut-sessions=0"))

    def test_postfix_comes_later(self):
        self.run_in("systemctl", "start", UNIT)
        self.root.path("/var/spool/postfix").mkdir()
        self.run_in("groupadd", "--system", "postfix")
        self.install(rpm.postfix())
        self.assertEqual("msgid-milter:postfix 2750", self.stat(PLACE))
        self.assertEqual("msgid-milter:postfix 660", self.stat(PLACE + "/milter.sock"))
        self.run_in("rpm", "-e", "msgid-milter")
        self.assertFalse(self.root.path(PLACE).exists())

    def test_erased(self):
        self.run_in("systemctl", "start", UNIT)
        files = self.run_in("rpm", "-ql", "msgid-milter").stdout.split()
        with open(self.root.path(CONF), "a", encoding="utf-8") as conf:
            conf.write("# Edited.\n")
        self.run_in("rpm", "-e", "msgid-milter")
        self.assertNotEqual("active", self.state())
        left = [file for file in files if self.root.path(file).exists() or self.root.path(file).is_symlink()]
        self.assertEqual(["/etc/msgid-milter"], [file for file in left if "build-id" not in file])
        self.assertEqual([CONF + ".rpmsave"],
                         [f"/etc/msgid-milter/{path.name}" for path in self.root.path("/etc/msgid-milter").iterdir()])
        self.assertNotEqual(0, self.run_in("test", "-e", "/run/msgid-milter", check=False).returncode)
        wanted = self.root.path("/etc/systemd/system/multi-user.target.wants/" + UNIT)
        self.assertFalse(wanted.is_symlink())


class RpmBuildTest(unittest.TestCase):
    def test_debug_symbols_are_split_off(self):
        names = sorted(re.sub(r"-[0-9].*", "", path.name) for path in rpm.built().glob("*.x86_64.rpm"))
        self.assertEqual(["msgid-milter", "msgid-milter-debuginfo", "msgid-milter-debugsource"], names)

    @unittest.skipUnless(shutil.which("rpmlint"), "skipped: there is no rpmlint")
    def test_rpmlint_has_nothing_to_say(self):
        said = run_on_host("rpmlint", "--config", rpm.SPEC.with_suffix(".rpmlintrc.toml"), *rpm.built().glob("*.rpm"),
                           rpm.SPEC).stdout
        self.assertIn(" 0 errors, 0 warnings", said)

    def test_program_is_hardened(self):
        payload = rpm.unpacked()
        for program in "usr/sbin/msgid-milter", "usr/bin/msgid-audit":
            said = run_on_host("readelf", "--wide", "-hld", payload / program).stdout
            self.assertRegex(said, r"Type: +DYN \(Position-Independent")
            self.assertIn("GNU_RELRO", said)
            self.assertRegex(said, r"FLAGS.*(BIND_)?NOW")
            self.assertRegex(said, r"GNU_STACK .* RW ")

    def test_libraries(self):
        names = set(re.findall(r"^lib(\S+?)\.so", rpm.query("--requires"), re.M))
        self.assertEqual({"boost_program_options", "c", "gcc_s", "m", "milter", "mimetic", "prometheus-cpp-core", "stdc++",
                          "systemd", "z"}, names)

    def test_nothing_names_the_place_of_the_build(self):
        said = rpm.query("--queryformat", "%{BUILDHOST} %{BUILDTIME}\n")
        self.assertRegex(said, r"^reproducible \d+$")
        self.assertEqual(0, int(said.split()[1]) % 86400)  # the date of the changelog, not the time of the build
