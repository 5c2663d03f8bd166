"""Runs tests/run in a root of its own:

    MSGID_SUITE=trixie MSGID_PRESET=release tests/package/in_root.py "PACKAGE..." [ARGUMENT OF TESTS/RUN...]

The root is kept until the list of packages changes. The tree is in it at its own place, but with another build directory:
build/package/RELEASE/build.
"""

import os
import sys

sys.dont_write_bytecode = True

from machine import ENVIRONMENT, PLACE, TREE, Root, missing

# A namespace of processes, so that none outlives the run.
SCRIPT = """
root=$1 tree=$2 build=$3
shift 3
mount --bind "$root" "$root" # or unshare(1) fails in it
mount --bind "$tree" "$root$tree"
mount --bind "$build" "$root$tree/build"
mount -t proc proc "$root/proc"
exec chroot "$root" "$tree/tests/run" "$@"
"""

if reason := missing():
    print(f"skipped: {reason}")
    sys.exit(77)
packages, *arguments = sys.argv[1:]
preset = os.environ["MSGID_PRESET"]
root = Root(preset).keep(packages.split())
for directory in (TREE / "build", PLACE / "build", root.path(TREE)):
    directory.mkdir(parents=True, exist_ok=True)
os.execvpe("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-e", "-c", SCRIPT, "sh",
                       str(root.directory), str(TREE), str(PLACE / "build"), *arguments],
           {"MSGID_PRESET": preset, **ENVIRONMENT})
