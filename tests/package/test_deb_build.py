"""The Debian package is built in a clean root, twice with the same octets, hardened, and lintian has nothing to say."""

import hashlib
import re
import shutil
import subprocess
import unittest

import deb
import machine

# Everything that is installed and no directory; of the documents, what an administrator looks for.
PROGRAMS_AND_FILES = """\
/etc/logrotate.d/msgid-milter
/etc/msgid-milter/msgid-milter.conf
/usr/bin/msgid-audit
/usr/lib/systemd/system/msgid-milter.service
/usr/lib/systemd/system/msgid-milter.socket
/usr/lib/sysusers.d/msgid-milter.conf
/usr/lib/tmpfiles.d/msgid-milter.conf
/usr/sbin/msgid-milter
/usr/share/bash-completion/completions/msgid-audit
/usr/share/bash-completion/completions/msgid-milter
/usr/share/lintian/overrides/msgid-milter
/usr/share/man/man1/msgid-audit.1.gz
/usr/share/man/man5/msgid-audit.jsonl.5.gz
/usr/share/man/man5/msgid-milter.conf.5.gz
/usr/share/man/man8/msgid-milter.8.gz
/usr/share/zsh/vendor-completions/_msgid-audit
/usr/share/zsh/vendor-completions/_msgid-milter
""".split()
DOCUMENTS = "README.md changelog.gz changelog.Debian.gz copyright".split()


def setUpModule():
    reason = machine.missing()
    if reason:
        raise unittest.SkipTest(reason)
    deb.built()


def output(*command):
    """What it prints; its exit status is to be 0."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class DebBuildTest(unittest.TestCase):
    maxDiff = None

    def test_build_names_the_packages_that_are_missing(self):
        # On a host that seems to have no package at all.
        command = 'mount --bind /dev/null /var/lib/dpkg/status && exec "$0" /tmp'
        done = subprocess.run(["unshare", "--mount", "sh", "-c", command, machine.TREE / "packaging/build-deb"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stderr, "^build-deb: packages are missing; install them with: apt-get install .*cmake "
                                      ".*libmilter-dev libmimetic-dev ")
        self.assertNotIn("(", done.stderr)

    def test_contents(self):
        lines = [line.split() for line in output("dpkg-deb", "--contents", deb.package()).splitlines()]
        for line in lines:
            self.assertEqual("root/root", line[1], line)
            self.assertNotRegex(line[0], "[st]|^-.......w", line)  # no set-id, nothing that others can write
        names = [re.sub("^/lib/", "/usr/lib/", line[5][1:]) for line in lines if not line[0].startswith("d")]
        place = "/usr/share/doc/msgid-milter/"
        self.assertEqual(PROGRAMS_AND_FILES, sorted(name for name in names if not name.startswith(place)))
        for document in DOCUMENTS:
            self.assertIn(place + document, names)

    def test_configuration_is_marked(self):
        conffiles = output("dpkg-deb", "--info", deb.package(), "conffiles").split()
        self.assertEqual(["/etc/logrotate.d/msgid-milter", deb.CONF], sorted(conffiles))

    def test_libmilter_is_that_of_the_host(self):
        self.assertRegex(output("dpkg-deb", "--field", deb.package(), "Depends"), r"\blibmilter1\.0\.1(t64)? ")

    def test_debug_symbols_are_in_a_package_of_their_own(self):
        symbols = next(deb.built().glob("msgid-milter-dbgsym_*.deb"))
        contents = output("dpkg-deb", "--contents", symbols)
        self.assertEqual(2, len(re.findall(r"/\.build-id/.*\.debug\n", contents)), contents)
        extracted = machine.PLACE / "extracted"
        shutil.rmtree(extracted, ignore_errors=True)
        output("dpkg-deb", "--extract", deb.package(), extracted)
        for program in ("usr/sbin/msgid-milter", "usr/bin/msgid-audit"):
            sections = output("readelf", "--sections", "--wide", extracted / program)
            self.assertNotIn(".debug_", sections)

    def test_hardening(self):
        if not shutil.which("blhc"):
            self.skipTest("there is no blhc")
        self.assertEqual("", output("blhc", "--bindnow", next(deb.built().glob("*.build"))))

    def test_optimized_it_has_no_warning(self):
        log = next(deb.built().glob("*.build")).read_text()
        self.assertIn(" -Wconversion ", log)
        self.assertNotRegex(log, r"(?m)^.*\.(cpp|h):\d+:\d+: warning: .*$")

    def test_lintian(self):
        if not shutil.which("lintian"):
            self.skipTest("there is no lintian")
        said = output("lintian", "--fail-on", "error,warning", "--allow-root", next(deb.built().glob("*.changes")))
        self.assertNotRegex(said, "(?m)^[EW]:")

    @unittest.skipIf("MSGID_DEB" in deb.os.environ, "MSGID_DEB names packages of another build")
    def test_two_builds_give_the_same_octets(self):
        again = deb.build("/home/builder/a/directory/with another name", umask="077",
                          environment=["TZ=Asia/Tokyo", "LC_ALL=C", "LOGNAME=another"])
        def sums(directory):
            return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.glob("*.deb")}
        self.assertEqual(2, len(sums(again)))
        self.assertEqual(sums(deb.built()), sums(again))
