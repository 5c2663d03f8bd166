"""The Debian packages as the tests use them: built in a clean root, and the roots that they are installed in.

Each is made when it is first asked for, and once in a run.
"""

import functools
import os
import pathlib
import shutil

from machine import PLACE, TREE, Root

BUILDER = "builder"
CONF = "/etc/msgid-milter/msgid-milter.conf"
UNIT = "msgid-milter.service"


@functools.cache
def _bare():
    return Root("bare").make(["ca-certificates"])


@functools.cache
def build_root():
    """With what Build-Depends names, what every Debian build has, and a user."""
    root = _bare().copy("build")
    root.install("build-essential")
    root.run("useradd", "--create-home", BUILDER)
    control = root.path("/tmp/msgid-milter/debian")
    shutil.copytree(TREE / "packaging/deb", control)
    root.run("apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-unsafe-io", "build-dep",
             "/tmp/msgid-milter", timeout=900)
    root.keep_archives()
    return root


def build_as_user(root, place, *command, environment=()):
    """Runs the command over a copy of the tree there, as the root's user; the copy's directory "out"."""
    tree = root.path(place)
    shutil.copytree(TREE, tree, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"), symlinks=True)
    root.run("chown", "-R", BUILDER, place)
    root.run("setpriv", f"--reuid={BUILDER}", f"--regid={BUILDER}", "--init-groups", "env", f"HOME=/home/{BUILDER}",
             *environment, *command, timeout=1800)
    return tree / "out"


def build(place, umask="022", environment=()):
    """Builds there, in the clean root; the directory with what came out."""
    return build_as_user(build_root(), place, "sh", "-c", 'umask "$1" && "$2/packaging/build-deb" "$2/out"', "sh",
                         umask, place, environment=environment)


def kept(variable, kind, build_there):
    """The directory with the packages. Who works on the tests names packages that are there already."""
    if variable in os.environ:
        return pathlib.Path(os.environ[variable])
    output = PLACE / kind
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(build_there(), output)
    return output


@functools.cache
def built():
    return kept("MSGID_DEB", "deb", lambda: build("/home/builder/msgid-milter"))


def package():
    return next(built().glob("msgid-milter_*.deb"))


@functools.cache
def system():
    """A host without an MTA, the package's dependencies and the package itself at hand."""
    root = _bare().copy("system")
    root.install("systemd", "systemd-sysv", "dbus", "logrotate")
    root.put(package(), "/root/msgid-milter.deb")
    root.install("/root/msgid-milter.deb", download_only=True)
    return root


@functools.cache
def postfix_system():
    """A host with Postfix as Debian configures it, and a user `reader` who gets mail. The package is at hand."""
    root = system().copy("postfix")
    root.install("postfix")
    root.run("useradd", "--create-home", "reader")
    return root


def newer(name):
    """The package again, with a higher version, and a comment more in the configuration that it ships."""
    root = system().copy(name)
    root.run("dpkg-deb", "--raw-extract", "/root/msgid-milter.deb", "/root/newer")
    control = root.path("/root/newer/DEBIAN/control")
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 9:"))
    with open(root.path("/root/newer" + CONF), "a", encoding="utf-8") as conf:
        conf.write("# A later version.\n")
    root.run("dpkg-deb", "--root-owner-group", "--build", "/root/newer", "/root/newer.deb")
    target = PLACE / "newer.deb"
    shutil.copy(root.path("/root/newer.deb"), target)
    root.remove()
    return target
