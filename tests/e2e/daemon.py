"""The daemon under test, started as an administrator would: a configuration file, an unprivileged user."""

import os
import pathlib
import shutil
import socket
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


# As systemd does it: the socket is descriptor 3, and the process is told that this is for it. It comes as standard
# input, for its number here may have two digits, which a plain sh does not redirect.
_HANDED_OVER = 'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=msgid-milter.socket; exec "$@" 3<&0 0</dev/null'


class Daemon:
    """One msgid-milter on a UNIX socket (`transport` "unix") or on TCP ("inet"). With `activated` the UNIX socket is
    opened here, stays open to the end, and is handed over to each process, as by a .socket unit of systemd."""

    def __init__(self, directory, name, transport="unix", mode="rewrite", options="", binary=BINARY, activated=False):
        self.transport = transport
        self.mode = mode
        self.options = options
        self.binary = binary
        self._stem = pathlib.Path(directory) / name
        self._socket = socket_directory(directory, name) / "milter.sock"
        self._port = 0
        self._child = None
        self._handed_over = self._listen() if activated else None

    def _listen(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._socket))
        os.chmod(self._socket, 0o666)
        listener.listen(4096)
        return listener

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
        if os.environ.get("MSGID_TRANSPORT") == "off":
            lines.append("transport = off")
        if self.transport == "unix":
            lines.append("socket-mode = 0666")  # Postfix's user and Sendmail's differ; no secret is behind it
        self._stem.with_suffix(".conf").write_text("\n".join(lines) + "\n" + self.options)
        already = self._log_size()
        self._is_stopping = False
        command = [self.binary, "--config", self._stem.with_suffix(".conf")]
        if self._handed_over:
            command = ["/bin/sh", "-c", _HANDED_OVER, "sh", *command]
        with open(self._stem.with_suffix(".log"), "ab") as log:
            self._child = subprocess.Popen(command, stdin=self._handed_over or subprocess.DEVNULL, stdout=log,
                                           stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._child.poll() is None:
            if ": serving " in self.log(already):
                return True
            time.sleep(0.02)
        self.kill()
        return False

    def log(self, beginning=0):
        """What it has logged, from that octet on."""
        if not self._log_size():
            return ""
        with open(self._stem.with_suffix(".log"), encoding="latin-1") as log:
            log.seek(beginning)
            return log.read()

    def _log_size(self):
        log = self._stem.with_suffix(".log")
        return log.stat().st_size if log.exists() else 0

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

    def restart(self):
        """As a service manager does it: SIGTERM, and the next process once this one is gone."""
        self._child.terminate()
        self.wait()
        self.start()

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
    daemons = list(daemons)
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
