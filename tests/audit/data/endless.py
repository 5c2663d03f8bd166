"""Gives a command what has no end: a file of 10 GB that is a hole, one that is a header and a hole, zeros without end on
standard input, and a header without end. Does it end, with a clear word, in a few hundred megabytes?"""

import resource
import subprocess
import sys

GIGABYTES = 10
with open("hole", "wb") as hole:
    hole.truncate(GIGABYTES << 30)
with open("mail", "wb") as mail:
    mail.write(b"From: a@b.example\nMessage-ID: <a@b.example>\n\n")
    mail.truncate(GIGABYTES << 30)


def endless(beginning, again):
    """Standard output of a process that ends when nobody reads it any more."""
    source = f"import os\nos.write(1, {beginning!r})\nwhile True: os.write(1, {again!r} * 4096)"
    return subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


for name, arguments, pipe in (
        ("hole", ["hole"], None),
        ("mail", ["mail"], None),
        ("zeros", [], endless(b"", b"\0" * 16)),
        ("text", [], endless(b"Message-ID: <a@b.example>\n\n", b"Text of no end.\n")),
        ("header", [], endless(b"Message-ID: <a@b.example>\n", b"References: <a@b>\n")),
):
    done = subprocess.run(sys.argv[1:] + arguments, stdin=pipe.stdout if pipe else subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=100)
    if pipe:
        pipe.stdout.close()
        pipe.wait()
    print(name, done.returncode, done.stdout.decode() + done.stderr.decode(), end="")
print("memory bounded:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1 << 20)  # KiB
