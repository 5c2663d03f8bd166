"""All end-to-end tests: `/usr/bin/python3 tests/e2e [MSGID-MILTER [MSGID-AUDIT]] [unittest's arguments]`."""

import os
import pathlib
import signal
import sys
import unittest

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
sys.dont_write_bytecode = True
arguments = sys.argv[1:]
for variable in ("MSGID_MILTER", "MSGID_AUDIT"):
    if arguments and os.access(arguments[0], os.X_OK):
        os.environ[variable] = os.path.abspath(arguments.pop(0))

# Ctrl-C and SIGTERM end the run behind the current test, so that no MTA is left behind.
signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
unittest.main(module=None, argv=["tests/e2e", "discover", "-s", str(here), *arguments], catchbreak=True)
