"""The Debian package's maintainer scripts on a tree in a temporary directory, with programs that replace the host's."""

import os
import pathlib
import subprocess
import tempfile
import unittest

CONTROL = pathlib.Path(__file__).resolve().parents[2] / "packaging/deb"
PLACE = "var/spool/postfix/msgid-milter"
SOCKET = f"{PLACE}/milter.sock"

# There is no systemd, and no Postfix unless a test adds one.
PROGRAMS = {
    "systemd-sysusers": "exit 0",
    "deb-systemd-invoke": "exit 1",
    "dpkg-trigger": "exit 0",
    "getent": "exit 0",
    "msgid-milter": "echo 'socket = unix:/run/msgid-milter/milter.sock # default'",
    # Without the owner, who does not exist here.
    "install": 'for last; do :; done; exec mkdir -p "$last"',
}


class DebScriptsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name).resolve()
        self.programs = self.root / "programs"
        for name, script in PROGRAMS.items():
            self.add_program(name, script)
        for path in ("var/spool/postfix", "var/log/msgid-milter", "run/msgid-milter", "etc/msgid-milter"):
            (self.root / path).mkdir(parents=True)

    def add_program(self, name, script):
        self.programs.mkdir(exist_ok=True)
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)

    def add_postfix(self, queue):
        """One whose queue directory is below the root."""
        (self.root / queue).mkdir(parents=True, exist_ok=True)
        self.add_program("postconf", f"echo {self.root / queue}")

    def run_script(self, name, *arguments):
        text = (CONTROL / name).read_text()
        for top in ("/var/", "/run/", "/etc/"):
            text = text.replace(top, f"{self.root}{top}")
        # Not the PATH of the host, which may have a Postfix.
        done = subprocess.run(["/bin/sh", "-c", text, name, *arguments], capture_output=True, text=True, timeout=60,
                              check=False, env={"PATH": f"{self.programs}:{self.essential()}", "LC_ALL": "C"})
        self.assertEqual(0, done.returncode, f"{name} {arguments}: {done.stderr}")
        return done

    def essential(self):
        directory = self.root / "essential"
        directory.mkdir(exist_ok=True)
        for name in ("rm", "rmdir", "mkdir", "ln", "realpath", "readlink", "sed", "grep"):
            if not (directory / name).exists():
                os.symlink(f"/bin/{name}", directory / name)
        return directory

    def exists(self, path):
        return os.path.lexists(self.root / path)

    def put_directory_in_the_sockets_place(self, socket=SOCKET):
        (self.root / socket).mkdir(parents=True)
        (self.root / socket / "somebodys").write_text("")

    def test_a_directory_in_the_sockets_place_stays_when_postfix_is_removed(self):
        self.put_directory_in_the_sockets_place()
        self.run_script("msgid-milter.postinst", "triggered", "/usr/sbin/postconf")
        self.assertTrue(self.exists(f"{SOCKET}/somebodys"))

    def test_a_directory_in_the_sockets_place_stays_when_the_queue_has_moved(self):
        self.put_directory_in_the_sockets_place()
        self.add_postfix("srv/queue")
        self.run_script("msgid-milter.postinst", "configure")
        self.assertTrue(self.exists(f"{SOCKET}/somebodys"))
        self.assertTrue((self.root / "srv/queue/msgid-milter").is_dir())

    def test_a_directory_in_the_sockets_place_outlives_a_purge_and_nothing_else_does(self):
        self.put_directory_in_the_sockets_place()
        self.run_script("msgid-milter.postrm", "purge")
        self.assertTrue(self.exists(f"{SOCKET}/somebodys"))
        for path in ("var/log/msgid-milter", "run/msgid-milter", "etc/msgid-milter"):
            self.assertFalse(self.exists(path), path)

    def test_a_purge_removes_the_link_to_the_place_that_stays(self):
        self.put_directory_in_the_sockets_place("srv/queue/msgid-milter/milter.sock")
        (self.root / PLACE).symlink_to(self.root / "srv/queue/msgid-milter")
        self.run_script("msgid-milter.postrm", "purge")
        self.assertFalse(self.exists(PLACE))
        self.assertTrue(self.exists("srv/queue/msgid-milter/milter.sock/somebodys"))
        self.assertFalse(self.exists("etc/msgid-milter"))

    def test_a_directory_in_the_place_of_the_link_to_systemds_socket_fails_nothing(self):
        (self.root / "run/msgid-milter-place").mkdir()
        for argument in ("remove", "purge"):
            self.run_script("msgid-milter.postrm", argument)

    def test_a_file_in_the_directorys_place_is_left_alone(self):
        self.add_postfix("var/spool/postfix")
        (self.root / PLACE).write_text("somebody's")
        said = self.run_script("msgid-milter.postinst", "configure").stderr
        self.assertIn(PLACE, said)
        self.run_script("msgid-milter.postrm", "purge")
        self.assertEqual("somebody's", (self.root / PLACE).read_text())

    def test_what_the_service_made_is_removed(self):
        (self.root / PLACE).mkdir()
        (self.root / SOCKET).write_text("")
        self.run_script("msgid-milter.postrm", "purge")
        self.assertFalse(self.exists(PLACE))
        self.assertTrue(self.exists("var/spool/postfix"))


if __name__ == "__main__":
    unittest.main()
