"""The packages, built, installed and used: `/usr/bin/python3 tests/package [unittest's arguments]`."""

import fcntl
import pathlib
import signal
import sys
import unittest

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent / "e2e")]
sys.dont_write_bytecode = True

from machine import PLACE

PLACE.mkdir(parents=True, exist_ok=True)
lock = open(PLACE / "lock", "w", encoding="utf-8")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(f"tests/package: another run is using {PLACE}")

# Ctrl-C and SIGTERM end the run behind the current test, so that no machine is left behind.
signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
unittest.main(module=None, argv=["tests/package", "discover", "-s", str(here), *sys.argv[1:]], catchbreak=True)
