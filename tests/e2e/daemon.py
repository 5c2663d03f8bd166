"""The daemon under test, started as an administrator would: a configuration file, an unprivileged user."""

import os
import pathlib
import shutil
import subprocess
import time

from postfix import free_port

BINARY = os.environ.get("MSGID_MILTER", str(pathlib.Path(__file__).resolve().parents[2] / "build/dev/msgid-milter"))


def socket_directory(directory, name):
    """A directory that the daemon's user may make its socket in."""
    path = pathlib.Path(directory) / f"{name}-socket"
    path.mkdir(mode=0o755, exist_ok=True)
    shutil.chown(path, "nobody")
    return path


class Daemon:
    """One msgid-milter on a UNIX socket (`transport` "unix") or on TCP ("inet")."""

    def __init__(self, directory, name, transport="unix", mode="rewrite", options="", binary=BINARY):
        self.transport = transport
        self.mode = mode
        self.options = options
        self.binary = binary
        self._stem = pathlib.Path(directory) / name
        self._socket = socket_directory(directory, name) / "milter.sock"
        self._port = 0
        self._child = None

    def socket_for_postfix(self):
        return f"unix:{self._socket}" if self.transport == "unix" else f"inet:127.0.0.1:{self._port}"

    def socket_for_sendmail(self):
        return f"unix:{self._socket}" if self.transport == "unix" else f"inet:{self._port}@127.0.0.1"

    def start(self):
        for _ in range(5):  # another program may have taken the port in the meantime
            if self.transport == "inet":
                self._port = free_port()
            if self._start():
                return
        raise RuntimeError(f"{self.binary} does not start:\n{self.log()}")

    def _start(self):
        lines = [f"socket = {self.socket_for_postfix()}", "user = nobody", f"mode = {self.mode}", "log = stderr"]
        if self.transport == "unix":
            lines.append("socket-mode = 0666")  # Postfix's user and Sendmail's differ; no secret is behind it
        self._stem.with_suffix(".conf").write_text("\n".join(lines) + "\n" + self.options)
        already = self.log().count(": serving ")
        self._is_stopping = False
        with open(self._stem.with_suffix(".log"), "ab") as log:
            self._child = subprocess.Popen([self.binary, "--config", self._stem.with_suffix(".conf")],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._child.poll() is None:
            if self.log().count(": serving ") > already:
                return True
            time.sleep(0.02)
        self.kill()
        return False

    def log(self):
        log = self._stem.with_suffix(".log")
        return log.read_text("latin-1") if log.exists() else ""

    def running(self):
        return self._child is not None and self._child.poll() is None

    def stop(self):
        """SIGTERM, and the wait until it accepts no connection any more. A second one cuts what is open."""
        said = self.log().count(": stopping ")
        self._child.terminate()
        deadline = time.monotonic() + 30
        while self.log().count(": stopping ") == said and not self._is_stopping:
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not stop:\n{self.log()}")
            time.sleep(0.02)
        self._is_stopping = True

    def wait(self):
        status = self._child.wait(60)
        if status != 0:
            raise AssertionError(f"exit status {status}:\n{self.log()}")

    def kill(self):
        """SIGKILL: no farewell to the MTA."""
        self._child.kill()
        self._child.wait(30)


def stop_cleanly(daemons):
    """SIGTERM to all, then the wait for each.

    An exit status other than 0, a sanitizer's for one, is an error.
    """
    for daemon in daemons:
        daemon._child.terminate()
    for daemon in daemons:
        try:
            status = daemon._child.wait(30)
        except subprocess.TimeoutExpired:
            daemon.kill()
            raise
        if status != 0:
            raise AssertionError(f"exit status {status}:\n{daemon.log()}")
