"""Runs a command with a terminal for standard error and an mbox on standard input that takes some seconds to come: is there
a bar, is it gone at the end, and is nothing of it on standard output?"""

import os
import pty
import subprocess
import sys
import threading
import time

MESSAGE = b"From a Sat Nov 21 11:20:30 2026\nFrom: a@b.example\nMessage-ID: <a@b.example>\n\n" + b"Text.\n" * 60000 + b"\n"

terminal, device = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=device)
os.close(device)
seen = bytearray()


def read_terminal():
    try:
        while octets := os.read(terminal, 4096):
            seen.extend(octets)
    except OSError:  # the other end is closed
        pass


reader = threading.Thread(target=read_terminal)
reader.start()
end = time.monotonic() + 60
while b" messages" not in seen and time.monotonic() < end:
    child.stdin.write(MESSAGE)
    child.stdin.flush()
    time.sleep(0.05)
child.stdin.close()
output = child.stdout.read()
child.wait()
reader.join()
print("a bar:", b"\r" in seen and b" messages\x1b[K" in seen)
print("gone:", seen.endswith(b"\r\x1b[K"))
print("none on standard output:", b"\r" not in output and b"\x1b" not in output and output.count(b"\n") == 1)
