"""Runs a command whose standard output is a pipe that nobody reads, with SIGPIPE ignored and as it is by default."""

import os
import signal
import subprocess
import sys

for action in (signal.SIG_IGN, signal.SIG_DFL):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(sys.argv[1:], stdout=writer, stderr=subprocess.PIPE, check=False, restore_signals=False,
                          preexec_fn=lambda: signal.signal(signal.SIGPIPE, action))
    os.close(writer)
    print(action.name, done.returncode, done.stderr.decode(), flush=True)
