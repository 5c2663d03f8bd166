"""The rpm's spec: parsed, and built with stand-ins for Fedora's packages and for the programs. No Debian root is
made, and nothing is compiled."""

import pathlib
import re
import shutil
import tempfile
import unittest

import rpm
from machine import TREE, run_on_host

STAND_INS = TREE / "tests/package/macros.stand-ins"
# Packages of these names are in Fedora 42 and later, and in RHEL 9 with CRB and EPEL (packages.fedoraproject.org and
# RHEL's specs, read in November 2026).
BUILD_REQUIRES = ["boost-devel", "cmake", "gcc-c++", "gtest-devel", "json-devel", "libprometheus-cpp-devel",
                  "mimetic-devel", "ninja-build", "pkgconf-pkg-config", "sendmail-milter-devel", "systemd-devel",
                  "systemd-rpm-macros", "zlib-devel"]
FILES = """\
/etc/logrotate.d/msgid-milter
/etc/msgid-milter
/etc/msgid-milter/msgid-milter.conf
/usr/bin/msgid-audit
/usr/bin/msgid-milter
/usr/lib/systemd/system/msgid-milter.service
/usr/lib/systemd/system/msgid-milter.socket
/usr/lib/sysusers.d/msgid-milter.conf
/usr/lib/tmpfiles.d/msgid-milter.conf
/usr/share/bash-completion/completions/msgid-audit
/usr/share/bash-completion/completions/msgid-milter
/usr/share/doc/msgid-milter
/usr/share/licenses/msgid-milter
/usr/share/licenses/msgid-milter/LICENSE
/usr/share/man/man1/msgid-audit.1.gz
/usr/share/man/man5/msgid-audit.jsonl.5.gz
/usr/share/man/man5/msgid-milter.conf.5.gz
/usr/share/man/man8/msgid-milter.8.gz
/usr/share/zsh/site-functions/_msgid-audit
/usr/share/zsh/site-functions/_msgid-milter
/var/log/msgid-milter
""".splitlines()
WITH_MACROS = [f"--load={rpm.MACROS}", "--define", f"_sourcedir {TREE / 'systemd'}"]


def setUpModule():
    if not shutil.which("rpmbuild"):
        raise unittest.SkipTest("there is no rpmbuild")


class SpecTest(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.place)

    def spec(self, *arguments):
        return run_on_host("rpmspec", *arguments, rpm.SPEC).stdout

    # dnf builddep reads the spec before it installs the packages that bring the macros.
    def test_build_requirements_are_known_without_macros(self):
        self.assertEqual(BUILD_REQUIRES, sorted(self.spec("-q", "--buildrequires").split()))

    def test_macros_change_no_tag(self):
        for tag in ["--buildrequires"], ["--srpm", "--queryformat", "%{LICENSE} %{EVR} %{SOURCE}"]:
            self.assertEqual(self.spec("-q", *tag), self.spec(*WITH_MACROS, "-q", *tag))

    def test_nothing_depends_on_the_machine(self):
        self.assertNotIn("%(", rpm.SPEC.read_text())
        self.assertEqual("Apache-2.0", self.spec("-q", "--srpm", "--queryformat", "%{LICENSE}"))

    def test_no_macro_is_left(self):
        self.assertNotRegex(self.spec(*WITH_MACROS, "-P"), r"%[{?_]|%(cmake|ctest|systemd|sysusers|tmpfiles)")

    def test_each_build_requirement_is_missed_by_its_name(self):
        described = "Summary: A stand-in\nLicense: none\n"
        spec = f"Name: stand-in\nVersion: 1\nRelease: 1\nBuildArch: noarch\n{described}%description\n"
        for name in BUILD_REQUIRES:
            spec += f"%package -n {name}\n{described}%description -n {name}\n%files -n {name}\n"
        with open(f"{self.place}/stand-ins.spec", "w", encoding="utf-8") as file:
            file.write(spec)
        run_on_host("rpmbuild", "-bb", "--define", f"_topdir {self.place}", file.name)
        packages = [f"{self.place}/RPMS/noarch/{name}-1-1.noarch.rpm" for name in BUILD_REQUIRES]
        run_on_host("rpm", "--dbpath", f"{self.place}/db", "--justdb", "-i", *packages)
        check = ["rpmbuild", "-bc", "--nobuild", "--define", f"_dbpath {self.place}/db", *WITH_MACROS, rpm.SPEC]
        run_on_host(*check)
        for name in BUILD_REQUIRES:
            run_on_host("rpm", "--dbpath", f"{self.place}/db", "--justdb", "-e", name)
        said = run_on_host(*check, check=False).stderr
        self.assertEqual(BUILD_REQUIRES, sorted(re.findall(r"^\t(\S+) is needed by", said, re.M)))


class StandInBuildTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.output = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.output)
        cls.said = cls.build(cls.output).stdout
        cls.package = next(path for path in pathlib.Path(cls.output).glob("*.rpm") if ".src." not in path.name)

    @staticmethod
    def build(output, *arguments, check=True):
        return run_on_host(TREE / "packaging/build-rpm", output, f"--load={STAND_INS}", *arguments, check=check)

    def query(self, *arguments):
        return run_on_host("rpm", "-qp", *arguments, self.package).stdout.splitlines()

    def test_unit_tests_are_run(self):
        self.assertRegex(self.said, r"(?s)unit-1 \.+ +Passed.*unit-2 \.+ +Passed.*0 tests failed out of 2")

    def test_failed_unit_test_fails_the_build(self):
        done = self.build(self.output + "/none", "--define", "unit_tests fail", check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("2 tests failed out of 2", done.stdout)

    def test_build_without_unit_tests_fails(self):
        done = self.build(self.output + "/none", "--define", "unit_tests vanish", check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("No tests were found", done.stdout + done.stderr)

    # rpm itself refuses files that are installed and in no list.
    def test_files(self):
        self.assertEqual(FILES, [file for file in self.query("-l") if "/doc/msgid-milter/" not in file])
        self.assertIn("/usr/share/doc/msgid-milter/README.md", self.query("-d"))

    # Since rpm 4.19 a package also requires and provides the users that own its files.
    def test_dependencies(self):
        required, provided = (set(self.query("--queryformat", f"[%{{{tag}}}\\n]")) for tag in ("REQUIRENAME", "PROVIDENAME"))
        self.assertEqual({"/bin/sh", "logrotate", "shadow-utils"},
                         {name for name in required - provided if not name.startswith("rpmlib(")})
        self.assertEqual([], [name for name in provided if name.startswith("bundled(")])

    def test_unit_starts_the_program_where_it_is(self):
        unit = run_on_host("sh", "-c", 'rpm2cpio "$1" | cpio --quiet -i --to-stdout "*.service"', "sh", self.package)
        self.assertIn("\nExecStart=/usr/bin/msgid-milter\n", unit.stdout)
