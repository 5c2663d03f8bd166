#!/usr/bin/python3
"""Golden tests of msgid-audit: each NN-name.sh is a shell command line, NN-name.out what comes of it.

    golden.py PROGRAM [NN-name...]

A command runs in a copy of this directory (so that one may write), with "$AUDIT" for the program, no input, an
empty home and the C.UTF-8 locale. What it gives is its standard output, then "[stderr]" and standard error if there was
any, then "[exit N]". A run that differs writes NN-name.got beside it: to accept a change, look at it and rename it.
"""

import concurrent.futures
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 300  # for what takes a few on a quiet machine


def outcome(case, program):
    """What the command gives, as octets."""
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory, "audit")
        shutil.copytree(HERE, place, symlinks=True, ignore=shutil.ignore_patterns("*.got", "__pycache__"))
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": directory,
                       "AUDIT": program, "CORPUS": str(HERE.parent / "corpus")}
        # Options of the sanitizers have to reach the program; nothing else does.
        environment |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        done = subprocess.run(["/bin/bash", "-c", case.read_text()], cwd=place, env=environment, timeout=SECONDS,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
    got = done.stdout
    if done.stderr:
        got += b"[stderr]\n" + done.stderr
    return got + b"[exit %d]\n" % done.returncode


def shown(octets):
    return octets.decode("utf-8", "backslashreplace").splitlines(keepends=True)


def passes(case, got):
    expected_file = case.with_suffix(".out")
    expected = expected_file.read_bytes() if expected_file.exists() else b""
    got_file = case.with_suffix(".got")
    if got == expected:
        got_file.unlink(missing_ok=True)
        return True
    got_file.write_bytes(got)
    print(f"FAILED {case.stem}")
    sys.stdout.writelines(difflib.unified_diff(shown(expected), shown(got), expected_file.name, got_file.name))
    return False


def main(program, names):
    cases = sorted(HERE.glob("[0-9]*-*.sh"))
    if names:
        cases = [case for case in cases if case.stem in names]
    orphans = [out.name for out in HERE.glob("*.out") if not out.with_suffix(".sh").exists()]
    if orphans:
        print("without a command:", *orphans)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda case: outcome(case, os.path.abspath(program)), cases)
        failed = [case for case, got in zip(cases, outcomes) if not passes(case, got)]
    print(f"{len(cases)} cases, {len(failed)} failed")
    return 0 if cases and not failed and not orphans else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
