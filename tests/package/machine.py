"""Debian roots made from the archive, and such a root booted with its own systemd.

They are of this host's release of Debian, or of the one that MSGID_SUITE names, from the archive that this host's apt uses.
All of it is below build/package/RELEASE: the roots, which the next run makes again, and the downloaded packages, which
are kept for it. A machine has no network but its own loopback; what it is to install during a test is put into the
root's apt cache before it boots.
"""

import contextlib
import os
import pathlib
import platform
import shutil
import subprocess
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
HOST_SUITE = platform.freedesktop_os_release()["VERSION_CODENAME"]
SUITE = os.environ.get("MSGID_SUITE", HOST_SUITE)
PLACE = TREE / "build/package" / SUITE
ARCHIVES = PLACE / "archives"

# Nothing of the host's environment: a test must not depend on it.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "TERM": "dumb"}
APT_INSTALL = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-unsafe-io", "install"]


def missing():
    """Why no root can be made or booted here, or None."""
    if os.geteuid() != 0:
        return "roots can be made and booted by root only"
    for program in ("mmdebstrap", "systemd-nspawn", "nsenter", "setpriv", "unshare", "apt-get"):
        if not shutil.which(program):
            return f"there is no {program}"
    if not sources():
        return "apt on this host knows no Debian archive (apt-get update?)"
    return None


def sources():
    """The lines of a sources.list for the archive that this host's apt uses. Others than Debian's are left out."""
    listed = subprocess.run(["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(CODENAME) $(COMPONENT)",
                             "Created-By: Packages", "Origin: Debian"],
                            capture_output=True, check=True, text=True, timeout=60)
    return sorted({line.replace(f" {HOST_SUITE}", f" {SUITE}") for line in listed.stdout.splitlines()})


def until(what, condition, seconds=60):
    """Waits for the condition, which is returned; fails naming `what` where it does not come."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return result


def _run(command, check, options):
    """One command. Its output is text, and is in the error where it fails."""
    options = {"capture_output": True, "text": True, "timeout": 300, "stdin": subprocess.DEVNULL, **options}
    if "input" in options:
        del options["stdin"]
    done = subprocess.run(command, env=ENVIRONMENT, **options)
    if check and done.returncode != 0:
        said = f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        raise AssertionError(f"{' '.join(map(str, command))}: {said}")
    return done


def run_on_host(*command, check=True, **options):
    return _run(command, check, options)


class Root:
    """A directory with a Debian system in it."""

    def __init__(self, name):
        self.name = name
        self.directory = PLACE / "roots" / name

    def path(self, inside):
        return self.directory / str(inside).lstrip("/")

    def make(self, packages, variant="minbase"):
        """From the archive. The lists and packages stay in it, so that apt works in a copy without a network."""
        self.remove()
        ARCHIVES.mkdir(parents=True, exist_ok=True)
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        foreign = sorted({package.split(":")[1] for package in packages if ":" in package})
        native = run_on_host("dpkg", "--print-architecture").stdout.strip()
        source = PLACE / "sources.list"
        # sid has no updates and no security archive, and theirs need not be in step for all architectures.
        alone = SUITE == "sid" or foreign
        source.write_text("".join(f"{line}\n" for line in sources() if not alone or f" {SUITE} " in line))
        expired = run_on_host("apt-config", "dump", "Acquire::Check-Valid-Until").stdout.strip()  # as on this host
        _run(["mmdebstrap", "--quiet", "--mode=root", f"--variant={variant}", f"--include={','.join(packages)}",
              f"--architectures={','.join([native, *foreign])}", *([f"--aptopt={expired}"] if expired else []),
              "--skip=download/empty,essential/unlink,cleanup/apt", "--dpkgopt=force-unsafe-io",
              "--setup-hook=mkdir -p \"$1\"/var/cache/apt/archives",
              f"--setup-hook=sync-in {ARCHIVES} /var/cache/apt/archives",
              f"--customize-hook=sync-out /var/cache/apt/archives {ARCHIVES}", SUITE, self.directory, source],
             True, {"timeout": 900})
        return self

    def keep(self, packages):
        """As make(), unless an earlier run has made it of the same packages."""
        made_of = self.directory.with_suffix(".packages")
        if not made_of.exists() or made_of.read_text() != "\n".join(packages):
            made_of.unlink(missing_ok=True)
            self.make(packages)
            made_of.write_text("\n".join(packages))
        return self

    def copy(self, name):
        other = Root(name)
        other.remove()
        _run(["cp", "-a", "--reflink=auto", self.directory, other.directory], True, {})
        return other

    def put(self, source, inside):
        """Copies a file of the host into the root."""
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        return inside

    def run(self, *command, check=True, **options):
        """A command in it, with the host's network and without a systemd."""
        # Postfix 3.7.11 of Debian configures itself without IP where it sees no /proc.
        script = 'mount -t proc proc "$1/proc" && exec chroot "$@"'
        return _run(["unshare", "--mount", "sh", "-c", script, "sh", self.directory, *command], check, options)

    def install(self, *packages, download_only=False):
        """With apt, from the archive; `download_only` makes them ready for a machine, which has no network."""
        self.run(*APT_INSTALL, *(["--download-only"] if download_only else []), *packages, timeout=900)
        self.keep_archives()

    def keep_archives(self):
        """What apt has downloaded serves the next run."""
        for package in self.path("/var/cache/apt/archives").glob("*.deb"):
            if not (ARCHIVES / package.name).exists():
                shutil.copy(package, ARCHIVES)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Machine:
    """A root, booted: `with Machine(root) as machine: machine.run("systemctl", "status")`."""

    def __init__(self, root):
        self.root = root
        self._nspawn = None
        self._leader = None

    def __enter__(self):
        self.boot()
        return self

    def __exit__(self, *_):
        self.stop()

    def boot(self):
        self.root.path("/etc/machine-id").write_text("")
        # It ends with the test, however that ends. Nobody needs what it writes after a power cut; on a busy disk that
        # is the difference between two minutes and ten (systemd 252, 2026-11-22).
        command = ["setpriv", "--pdeathsig", "KILL", "systemd-nspawn", "--quiet", "-D", self.root.directory, "--boot",
                   "--register=no", "--keep-unit", "--private-network", "--link-journal=no", "--resolv-conf=off",
                   "--timezone=off", "--suppress-sync=yes", f"--hostname={self.root.name}", "--console=pipe"]
        self.console = PLACE / f"{self.root.name}.console"
        with open(self.console, "wb") as console:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                            env=ENVIRONMENT)
        try:
            self._leader = until("the machine's first process", self._first_process)
            until("the machine has booted", lambda: self.state() in ("running", "degraded"), 120)
        except BaseException:
            self.stop()
            raise

    def _first_process(self):
        if self._nspawn.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended:\n{self.console.read_text(errors='replace')}")
        pid = self._nspawn.pid
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            # Its stub until systemd has been executed is named as nspawn.
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return child
        return None

    def state(self):
        return self.run("systemctl", "is-system-running", check=False).stdout.strip()

    def run(self, *command, check=True, **options):
        """A command in all of the machine's namespaces."""
        return _run(["nsenter", "-t", self._leader, "-a", "--", *command], check, options)

    def in_network(self, *command):
        """Returns the command that runs a host program in the machine's network."""
        return ["nsenter", "-t", self._leader, "-n", "--", *command]

    def run_in_network(self, *command, check=True, **options):
        return _run(self.in_network(*command), check, options)

    def install(self, *packages):
        """With apt, from what is in its cache."""
        return self.run(*APT_INSTALL, *packages)

    def show(self, unit, *properties):
        """What systemctl show says, as a dictionary."""
        shown = self.run("systemctl", "show", unit, *(f"-p{name}" for name in properties)).stdout
        return dict(line.split("=", 1) for line in shown.splitlines())

    def journal(self, *selection):
        return self.run("journalctl", "--boot", "--no-pager", "--output=cat", *selection).stdout

    def stop(self):
        """Shuts it down as an administrator would; kills what does not go."""
        if self._nspawn is None:
            return
        self._nspawn.terminate()  # nspawn tells the machine's systemd
        try:
            self._nspawn.wait(60)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(30)
        self._nspawn = self._leader = None
