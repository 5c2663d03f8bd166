"""Mail through a machine's MTA, from outside to the mailbox of a local user."""

import itertools
import pathlib
import re

import producers
from machine import TREE, until

# The reported message: a Message-ID that Python's email up to 3.7 wrote as encoded-words.
BROKEN = producers.python_message_id()
WHOLE = re.sub(rb"Message-ID:.*?\r\n(?! )", b"Message-ID: " + producers.AMAZON.encode() + b"\r\n", BROKEN, count=1,
               flags=re.DOTALL)
assert b"Message-ID: =?utf-8?q?" in BROKEN and b"=?" not in WHOLE

_CLIENT = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", 25, "app.example", timeout=60) as client:
    client.sendmail("reader@localhost", [sys.argv[1]], sys.stdin.buffer.read())
"""


def readme_lines(heading, beginning):
    """The lines of the README's section that begin so: what an administrator copies."""
    section = (TREE / "README.md").read_text().split(f"\n### {heading}\n")[1].split("\n### ")[0]
    return [line for line in section.splitlines() if line.startswith(beginning)]


def attach(machine):
    """Postfix, by the README's own two lines."""
    lines = readme_lines("Attach it to Postfix", "postconf -e ")
    assert len(lines) == 2, lines
    for line in lines:
        machine.run("sh", "-c", line)
    machine.run("postfix", "reload")


_numbers = itertools.count(1)


def through(machine, octets=BROKEN):
    """What the reader gets of it, below the fields that the MTA puts on top. Line ends are CRLF, as in what is sent."""
    address = f"reader+{next(_numbers)}@localhost"
    machine.run_in_network("/usr/bin/python3", "-c", _CLIENT, address, input=octets, text=False)
    return until(f"mail to {address}", lambda: delivered(machine, address.encode()))


def delivered(machine, address):
    mailbox = pathlib.Path(machine.root.path("/var/mail/reader"))
    for message in mailbox.read_bytes().split(b"\n\nFrom ") if mailbox.exists() else []:
        if b"<" + address + b">" in message or b"Delivered-To: " + address in message:
            return message[message.index(b"\nFrom: Shop") + 1:].rstrip().replace(b"\n", b"\r\n") + b"\r\n"
    return None
