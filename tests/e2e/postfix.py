"""A private Postfix: own configuration, queue, data and log in one directory; /etc/postfix is never touched.

One instance listens on several ports, one for each set of options, so that the same message can go through
the same Postfix with and without a milter. Everything is unchrooted. Mail leaves through `relayhost`, the sink.
Needs root (Postfix's master does) and the postfix package; no line of /etc/postfix/main.cf is used.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import time

# No DNS, no rewriting of header fields, no limit a test could run into.
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mydestination =
local_transport = error:no local mail here
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_tls_security_level = none
local_header_rewrite_clients =
relayhost = [127.0.0.1]:{relay_port}
milter_connect_timeout = 20s
"""

SERVICES = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def missing():
    """Why there can be no private Postfix here, or None."""
    if os.geteuid() != 0:
        return "Postfix must be started by root"
    if not shutil.which("postfix", path="/usr/sbin:/usr/bin"):
        return "the postfix package is not installed"
    return None


def free_port():
    """A TCP port that was free a moment ago. Who uses it must be ready to be told that it is not."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def held_port():
    """A socket on a TCP port that nobody else is given while it lives. Postfix (3.7.11) listens with SO_REUSEPORT, so two
    instances that were given the same free port would share it without a word, and each other's mail."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # or it would be in the way of ours
    holder.bind(("127.0.0.1", 0))
    return holder


def greets(port, deadline, alive=lambda: True):
    """Whether an SMTP server greets on that port before the deadline, and before it is no longer `alive`."""
    while time.monotonic() < deadline and alive():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if connection.recv(3) == b"220":
                    return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


class Postfix:
    """Listens once for each of `services` (name: {option: value}); `port[name]` says where."""

    def __init__(self, directory, relay_port, services, options=None):
        self.directory = pathlib.Path(directory)
        self.relay_port = relay_port
        self.services = services
        self.options = options or {}
        self.port = {}
        self._held = []

    def start(self):
        for name in ("config", "queue", "data"):
            (self.directory / name).mkdir(parents=True, mode=0o755)
        shutil.chown(self.directory / "data", "postfix")
        main_cf = MAIN_CF.format(directory=self.directory, relay_port=self.relay_port)
        main_cf += "".join(f"{option} = {value}\n" for option, value in self.options.items())
        (self.directory / "config/main.cf").write_text(main_cf)
        held = {name: held_port() for name in self.services}
        self._held = list(held.values())
        self.port = {name: holder.getsockname()[1] for name, holder in held.items()}
        master_cf = ""
        for name, options in self.services.items():
            master_cf += f"127.0.0.1:{self.port[name]} inet n - n - - smtpd\n"
            master_cf += "".join(f"  -o {{ {option} = {value} }}\n" for option, value in options.items())
        (self.directory / "config/master.cf").write_text(master_cf + SERVICES)
        started = self.command("postfix", "start")
        deadline = time.monotonic() + 30
        if started.returncode != 0 or not all(greets(port, deadline) for port in self.port.values()):
            self.stop()
            raise RuntimeError("Postfix does not start:\n" + self.log())

    def command(self, program, *arguments, **options):
        """Runs one of Postfix's own commands on this instance."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": str(self.directory / "config")}
        return subprocess.run([program, *arguments], env=environment, capture_output=True, timeout=60, **options)

    def submit(self, sender, recipient, octets):
        """Hands a message to sendmail(1), as a local program does: it does not pass smtpd."""
        self.command("/usr/sbin/sendmail", "-i", "-f", sender, recipient, input=octets, check=True)

    def flush(self):
        """Tries all deferred mail now."""
        self.command("postqueue", "-f", check=True)

    def queue(self):
        """What postqueue -p prints."""
        return self.command("postqueue", "-p").stdout.decode("latin-1")

    def log(self):
        log = self.directory / "log"
        return log.read_text("latin-1") if log.exists() else ""

    def stop(self):
        self.command("postfix", "stop")
        for holder in self._held:
            holder.close()
