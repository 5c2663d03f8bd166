"""The rpm packages as the tests use them, on a Debian root with rpm's own database.

rpm knows nothing of the packages of dpkg, so everything is done with --nodeps, and what the programs are linked with
is installed by apt.
"""

import functools
import re
import shutil

import deb
from deb import CONF
from machine import PLACE, TREE, Root, run_on_host

INSTALL = ["rpm", "--nodeps", "-U"]
SPEC = TREE / "packaging/rpm/msgid-milter.spec"
MACROS = TREE / "packaging/rpm/macros.debian"


def build(place):
    """Builds there, in the clean root of the Debian packages; the directory with what came out."""
    root = deb.build_root()
    root.install("rpm", "debugedit", "elfutils", "ninja-build", "cpio")
    # tests/run has the unit tests.
    return deb.build_as_user(root, place, f"{place}/packaging/build-rpm", f"{place}/out", "--without", "check")


@functools.cache
def built():
    return deb.kept("MSGID_RPM", "rpm", lambda: build("/home/builder/msgid-milter-rpm"))


def package():
    return next(path for path in built().glob("msgid-milter-[0-9]*.rpm") if not path.name.endswith(".src.rpm"))


def query(*arguments):
    return run_on_host("rpm", "-qp", *arguments, package()).stdout


def libraries():
    """The Debian packages with the shared objects that the rpm requires."""
    objects = sorted(set(re.findall(r"^(\S+\.so[.0-9]*)\(", query("--requires"), re.M)))
    owners = run_on_host("dpkg", "-S", *(f"/usr/lib/x86_64-linux-gnu/{name}" for name in objects), check=False).stdout
    owners += run_on_host("dpkg", "-S", *(f"/lib/x86_64-linux-gnu/{name}" for name in objects), check=False).stdout
    return sorted({line.split(":")[0] for line in owners.splitlines()})


@functools.cache
def system():
    """A host with systemd, without an MTA; the package at hand."""
    root = Root("rpm-system").make(["systemd", "systemd-sysv", "dbus", "logrotate", "rpm", *libraries()])
    root.put(package(), "/root/msgid-milter.rpm")
    return root


def _built_by(spec, name, *arguments):
    top = PLACE / "rpmbuild"
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    (top / "package.spec").write_text(spec)
    run_on_host("rpmbuild", "-bb", "--nodeps", f"--load={MACROS}", "--define", f"_topdir {top}", "--define",
                "_enable_debug_packages 0", "--define", f"_sourcedir {TREE / 'systemd'}", *arguments,
                top / "package.spec")
    target = PLACE / f"{name}.rpm"
    shutil.copy(next((top / "RPMS").rglob("*.rpm")), target)
    return target


def unpacked():
    payload = PLACE / "payload"
    shutil.rmtree(payload, ignore_errors=True)
    payload.mkdir(parents=True)
    run_on_host("sh", "-c", f"rpm2cpio {package()} | cpio --quiet -id", cwd=payload)
    return payload


def newer():
    """The package again, with a higher version, and a comment more in the configuration that it ships."""
    payload = unpacked()
    shutil.rmtree(payload / "usr/lib/.build-id", ignore_errors=True)
    with open(payload / CONF.lstrip("/"), "a", encoding="utf-8") as conf:
        conf.write("# A later version.\n")
    spec = SPEC.read_text()
    install = f"%install\nmkdir -p %{{buildroot}}\ncp -a {payload}/. %{{buildroot}}\n\n%pre\n"
    spec = spec[:spec.index("%prep")] + install + spec[spec.index("%pre\n") + len("%pre\n"):]
    spec = re.sub(r"^Version: .*", "Version: 9", spec, flags=re.M)
    spec = spec.replace("%license LICENSE", "%{_defaultlicensedir}/*")
    return _built_by(spec, "newer", "--define", "_build_id_links none")


def postfix():
    """A package that is named as Postfix's, for rpm to know of one."""
    return _built_by("Name: postfix\nVersion: 3.7.11\nRelease: 1\nSummary: An MTA\nLicense: none\nBuildArch: noarch\n"
                     "%description\nAn MTA.\n%files\n", "postfix")
