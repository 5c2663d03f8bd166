"""The show of packaging/try-it: two messages by Python's own email package go to a next hop that behaves like
Exchange, first without the milter, then with it, then with it in log-only mode.

Usage: try_it.py MSGID-MILTER. Exits with 1 where something else happens than what it says.
"""

import contextlib
import email
import email.policy
import itertools
import os
import platform
import shutil
import signal
import smtplib
import sys
import tempfile
import textwrap
import time
from email.header import Header
from email.message import EmailMessage
from email.mime.text import MIMEText

from daemon import Daemon
from postfix import Postfix, missing
from sink import Sink, exchange_simulation, fields

WIDTH = 96
COLUMN = (WIDTH - 3) // 2
CUSTOMER = "customer@exchange.example"
ORDER = "<20261121120000.4b7e9c2d.order-4711@mail.shop.example>"
QUESTION = "<DB9PR08MB6809A1B2C3D4E5F60718293A4B5C6D@DB9PR08MB6809.eurprd08.prod.outlook.com>"
ANSWER = "<20261121.1@shop.example>"


def order():
    message = MIMEText("Thank you for your order.\n")
    message["Message-ID"] = Header(ORDER, "utf-8")
    return message


def answer():
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-ID"] = ANSWER
    message["References"] = f"{ORDER} {QUESTION}"
    message.set_content("It will be with you on Monday.\n")
    return message


def as_octets(message, subject):
    message["From"] = "shop@shop.example"
    message["To"] = CUSTOMER
    message["Date"] = "Sat, 21 Nov 2026 12:00:00 +0000"
    message["Subject"] = subject
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


# What is sent, and what the ids in it are meant to be.
MESSAGES = {
    "order": (as_octets(order(), "Your order"), {"Message-ID": ORDER}),
    "answer": (as_octets(answer(), "Re: Your order"), {"References": f"{ORDER} {QUESTION}"}),
}


def heading(text):
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}{text}{plain}\n{'-' * WIDTH}")


def wrapped(text, indent=""):
    print(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))


def field_lines(octets, name):
    """The field as it stands in the message, lines cut to the width of a column."""
    body = next(body for field, body in fields(octets) if field == name)
    lines = f"{name}:{body.decode()}".split("\r\n")
    return [line[at:at + COLUMN] for line in lines for at in range(0, len(line), COLUMN)]


def side_by_side(left, right):
    for pair in itertools.zip_longest(left, right, fillvalue=""):
        print(f"{pair[0]:{COLUMN}}   {pair[1]}".rstrip())


def expect(condition, what):
    if not condition:
        sys.exit(f"try-it: this is not what was to be shown: {what}")


class Show:
    def __init__(self, binary, directory, stack):
        self.sink = Sink(exchange_simulation)
        stack.callback(self.sink.close)
        self.daemons = {}
        for mode in ("rewrite", "log-only"):
            self.daemons[mode] = Daemon(directory, mode, mode=mode, binary=binary)
            self.daemons[mode].start()
            stack.callback(self.daemons[mode].kill)
        services = {mode: {"smtpd_milters": f"{{ {daemon.socket_for_postfix()}, default_action=accept }}"}
                    for mode, daemon in self.daemons.items()}
        self.postfix = Postfix(f"{directory}/postfix", self.sink.port, {"no milter": {}, **services})
        stack.callback(self.postfix.stop)
        self.postfix.start()

    def send(self, way, name):
        """Sends a message; what the sink got and answered."""
        sender = f"{name}.{way.replace(' ', '-')}@shop.example"
        client = smtplib.SMTP("127.0.0.1", self.postfix.port[way], "shop.example", timeout=30)
        with contextlib.closing(client):
            client.sendmail(sender, [CUSTOMER], MESSAGES[name][0])
        return self.wait(lambda mail: mail.sender == sender)

    def bounce(self, way, name):
        """What the sender is told by Postfix about a message that the sink refused."""
        recipient = f"{name}.{way.replace(' ', '-')}@shop.example"
        mail = self.wait(lambda mail: recipient in mail.recipients)
        text = email.message_from_bytes(mail.octets, policy=email.policy.default).get_body().get_content()
        return next(part for part in text.split("\r\n\r\n") if part.startswith(f"<{CUSTOMER}>"))

    def wait(self, wanted, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for mail in list(self.sink.mails):
                if wanted(mail):
                    return mail
            time.sleep(0.05)
        sys.exit("try-it: a message did not come out of Postfix. Its log:\n" + self.postfix.log())

    def log_lines(self, mode):
        for line in self.daemons[mode].log().splitlines():
            if " rule=" in line:
                wrapped(line.removeprefix("msgid-milter: "), "  ")

    def without_the_milter(self):
        heading("1. Without the milter:  application -> Postfix -> next hop")
        mail = self.send("no milter", "order")
        expect(not mail.accepted, "the next hop takes an encoded Message-ID")
        wrapped("An order confirmation, its Message-ID set as Header(id, 'utf-8') of the email package of Python "
                f"{platform.python_version()}. The next hop refuses it, and the sender gets this bounce:")
        print()
        wrapped(" ".join(self.bounce("no milter", "order").split()), "  ")
        print()
        mail = self.send("no milter", "answer")
        expect(mail.accepted, "the next hop refuses encoded References")
        wrapped("An answer to the customer, an EmailMessage of that package, is delivered. But its References are "
                "encoded: Exchange and Outlook drop them, and it falls out of its conversation.")

    def with_the_milter(self):
        heading("2. With the milter:  application -> Postfix + msgid-milter -> next hop")
        print("The same two messages, both delivered.\n")
        side_by_side(["BEFORE: as Python wrote it", "-" * COLUMN], ["AFTER: as the next hop got it", "-" * COLUMN])
        for name, (octets, meant) in MESSAGES.items():
            mail = self.send("rewrite", name)
            expect(mail.accepted, "the next hop refuses a repaired message")
            repaired = [(field, f" {meant[field]}".encode() if field in meant else body)
                        for field, body in fields(octets)]
            expect(fields(mail.octets)[1:] == repaired, str(fields(mail.octets)))  # in front is Postfix's Received
            for field in meant:
                side_by_side(field_lines(octets, field), field_lines(mail.octets, field))
                print()
        print("The log, one line a finding (wrapped here), Postfix's queue id first:\n")
        self.log_lines("rewrite")

    def log_only(self):
        heading("3. With the milter in log-only mode: it changes nothing")
        mail = self.send("log-only", "order")
        expect(not mail.accepted and mail.octets.endswith(MESSAGES["order"][0]), "log-only changes a message")
        wrapped("The order confirmation bounces as in 1, and the log says what rewrite would have done:")
        print()
        self.log_lines("log-only")


def main(binary):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if reason := missing():
        sys.exit(f"try-it: {reason}")
    with contextlib.ExitStack() as stack:
        directory = tempfile.mkdtemp(prefix="msgid-try-it-")
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        os.chmod(directory, 0o755)  # Postfix's processes run as another user
        print("Starting a private Postfix on 127.0.0.1 and a next hop behind it ...")
        show = Show(binary, directory, stack)
        stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)  # from here on it cleans up
        show.without_the_milter()
        show.with_the_milter()
        show.log_only()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
