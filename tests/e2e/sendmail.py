"""A private Sendmail, unpacked beside the system and never installed: its packages conflict with Postfix.

The unpacked tree is cached under build/, so the packages are fetched once. Sendmail asks for the host's full
name and sleeps a minute where it finds none, so it runs in a mount and UTS namespace of its own with a host
name and a bind-mounted /etc/hosts. The network namespace stays the same: it listens on 127.0.0.1.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import time

from postfix import free_port, greets

PACKAGES = ("sendmail-bin", "sendmail-base", "sendmail-cf", "libwrap0")
PROGRAM = "usr/libexec/sendmail/sendmail"
CACHE = pathlib.Path(__file__).resolve().parents[2] / "build/sendmail"
HOST = "relay.example"

# The load limits are lifted, for a busy test machine must not make Sendmail refuse or queue. TrustStickyBit: a
# milter's socket below /tmp would be unsafe.
MC = """\
divert(0)dnl
include(`{cf}/m4/cf.m4')dnl
OSTYPE(`linux')dnl
define(`ALIAS_FILE', `')dnl
define(`QUEUE_DIR', `{directory}/queue')dnl
define(`STATUS_FILE', `{directory}/status')dnl
define(`HELP_FILE', `')dnl
define(`confPID_FILE', `{directory}/pid')dnl
define(`confSERVICE_SWITCH_FILE', `{directory}/service.switch')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confDEF_USER_ID', `65534:65534')dnl
define(`confTO_IDENT', `0s')dnl
define(`confTO_ICONNECT', `20s')dnl
define(`confQUEUE_LA', `10000')dnl
define(`confREFUSE_LA', `10000')dnl
define(`confDELAY_LA', `0')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit')dnl
define(`confLOG_LEVEL', `14')dnl
define(`confBIND_OPTS', `-DNSRCH -DEFNAMES')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`no_default_msa')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {relay_port}')dnl
{extra}
MAILER(`smtp')dnl
"""


def _fetch():
    """Unpacks the packages into the cache; the reason where that fails, else None. Two runs may ask at once."""
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with open(CACHE.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return None if CACHE.exists() else _unpack()


def _unpack():
    scratch = CACHE.with_suffix(".new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    download = ["apt-get", "-q", "download", *PACKAGES]
    fetched = subprocess.run(download, cwd=scratch, capture_output=True, timeout=120)
    if fetched.returncode != 0:  # no package lists, or old ones
        subprocess.run(["apt-get", "-q", "update"], capture_output=True, timeout=120)
        fetched = subprocess.run(download, cwd=scratch, capture_output=True, timeout=120)
    if fetched.returncode != 0:
        return "apt-get download: " + fetched.stderr.decode().strip().splitlines()[-1]
    for package in scratch.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, scratch], check=True, timeout=60)
        package.unlink()
    # Set-group-id for the client's queue, which is not used here, and the dynamic linker then ignores our libwrap.
    (scratch / PROGRAM).chmod(0o755)
    scratch.rename(CACHE)
    return None


def missing():
    """Why there can be no private Sendmail here, or None. Fetches it where the cache is empty."""
    if os.geteuid() != 0:
        return "Sendmail must be started by root"
    for program in ("apt-get", "dpkg", "m4", "unshare"):
        if not shutil.which(program):
            return f"there is no {program}"
    if subprocess.run(["unshare", "-mu", "true"], capture_output=True, timeout=30).returncode != 0:
        return "unshare -mu is not allowed here"
    if reason := _fetch():
        return reason
    linked = subprocess.run(["ldd", CACHE / PROGRAM], env=_environment(), capture_output=True, timeout=30)
    absent = [line.split()[0].decode() for line in linked.stdout.splitlines() if line.endswith(b"not found")]
    if absent:
        return "Sendmail's libraries are not installed: " + ", ".join(absent)
    return None


def _environment():
    libraries = next(CACHE.glob("usr/lib/*-linux-gnu*"), CACHE)
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": str(libraries)}


class Sendmail:
    """Listens once for each of `services` (name: names of filters); `port[name]` says where.

    `filters` maps a filter's name to its equates, as INPUT_MAIL_FILTER takes them.
    """

    def __init__(self, directory, relay_port, services, filters):
        self.directory = pathlib.Path(directory)
        self.relay_port = relay_port
        self.services = services
        self.filters = filters
        self.port = {}
        self._child = None

    def start(self):
        (self.directory / "queue").mkdir(parents=True, mode=0o700)
        (self.directory / "service.switch").write_text("hosts files\naliases files\npasswd files\n")
        (self.directory / "hosts").write_text(f"127.0.0.1 {HOST} relay localhost\n")
        for _ in range(5):  # another program may have taken one of the ports in the meantime
            if self._start_on_free_ports():
                return
        raise RuntimeError("Sendmail does not start:\n" + self.log())

    def _start_on_free_ports(self):
        self.port = {name: free_port() for name in self.services}
        extra = [f"INPUT_MAIL_FILTER(`{name}', `{equates}')dnl" for name, equates in self.filters.items()]
        for name, filters in self.services.items():
            extra.append(f"DAEMON_OPTIONS(`Name={name}, Addr=127.0.0.1, Port={self.port[name]}, "
                         f"InputMailFilters={';'.join(filters)}')dnl")
        mc = MC.format(cf=CACHE / "usr/share/sendmail/cf", directory=self.directory, host=HOST,
                       relay_port=self.relay_port, extra="\n".join(extra))
        cf = subprocess.run(["m4", f"-D_CF_DIR_={CACHE}/usr/share/sendmail/cf/", "-"], input=mc.encode(),
                            capture_output=True, check=True, timeout=60)
        (self.directory / "sendmail.cf").write_bytes(cf.stdout)
        script = (f"hostname {HOST} && mount --bind {self.directory}/hosts /etc/hosts && "
                  f"exec {CACHE / PROGRAM} -C {self.directory}/sendmail.cf -bD -q1s -X {self.directory}/log")
        with open(self.directory / "log", "ab") as log:
            self._child = subprocess.Popen(["unshare", "-mu", "sh", "-c", script], env=_environment(),
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        if all(greets(port, deadline, lambda: self._child.poll() is None) for port in self.port.values()):
            return True
        self.stop()
        return False

    def log(self):
        return (self.directory / "log").read_text("latin-1")

    def stop(self):
        if self._child:
            self._child.terminate()
            self._child.wait(30)
            self._child = None
