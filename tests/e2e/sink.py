"""The next hop: an SMTP server that keeps every message as it came over the wire.

It stands where Exchange stands. It can also refuse, at the end of DATA, what Exchange would bounce: see
exchange_simulation(). Loopback only; one thread a connection, which is enough for a few hundred messages.
"""

import re
import socketserver
import threading
import time
from dataclasses import dataclass

# What Exchange Online answers from its store driver, as administrators report it. The label in front says what
# this is: no Exchange was asked.
EXCHANGE_TEXT = (
    "554 5.6.0 (simulated by try-it) Corrupt message content; "
    "STOREDRV.Deliver.Exception:ConversionFailedException; Failed to process message due to a permanent exception "
    "with message Content conversion: Corrupt summary TNEF content. ConversionFailedException: Content conversion: "
    "Corrupt summary TNEF content. [Stage: PromoteCreateReplay]"
)


@dataclass(frozen=True)
class Mail:
    """One message at the end of DATA."""

    sender: str
    recipients: tuple
    octets: bytes  # after dot-unstuffing, the final CRLF included
    reply: str     # what the sink answered to it

    @property
    def accepted(self):
        return self.reply.startswith("2")


def fields(octets):
    """The header as [(name, body)], in order: body is all octets behind the colon, folds with their CRLF."""
    header = octets.partition(b"\r\n\r\n")[0]
    found = []
    for line in header.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and found:
            found[-1][1] += b"\r\n" + line
        else:
            name, _, body = line.partition(b":")
            found.append([name, body])
    return [(name.decode("latin-1"), body) for name, body in found]


def exchange_simulation(octets):
    """The bounce for a Message-ID that holds an encoded-word or inner white space, else None.

    A fold directly after the colon is no reason: Exchange writes those itself.
    """
    for name, body in fields(octets):
        if name.lower() == "message-id" and re.search(rb"=\?.*\?=|[ \t\r\n]", body.strip()):
            return EXCHANGE_TEXT
    return None


class _Session(socketserver.StreamRequestHandler):
    timeout = 120
    disable_nagle_algorithm = True

    def reply(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        try:
            self.converse()
        except OSError:
            pass  # the client went away: whatever was answered with 250 is kept

    def converse(self):
        self.reply("220 sink.example ESMTP")
        sender, recipients = "", []
        while line := self.rfile.readline():
            command = line.decode("latin-1").strip()
            verb = command[:4].upper()
            if verb == "EHLO":
                self.reply("250-sink.example\r\n250-8BITMIME\r\n250 PIPELINING")
            elif verb == "MAIL":
                sender, recipients = _address(command), []
                self.reply("250 2.1.0 Ok")
            elif verb == "RCPT":
                recipients.append(_address(command))
                self.reply("250 2.1.5 Ok")
            elif verb == "DATA":
                self.reply("354 End data with <CR><LF>.<CR><LF>")
                octets = self.data()
                reply = self.server.sink.judge(octets) or "250 2.0.0 Ok"
                # Kept before it is answered: a message that was acknowledged is never missing.
                self.server.sink.keep(Mail(sender, tuple(recipients), octets, reply))
                self.reply(reply)
            elif verb == "QUIT":
                self.reply("221 2.0.0 Bye")
                return
            elif verb in ("HELO", "RSET", "NOOP"):
                self.reply("250 2.0.0 Ok")
            else:
                self.reply("502 5.5.2 Not here")

    def data(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError("cut in DATA")
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


def _address(command):
    return re.search(r"<([^>]*)>", command).group(1)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


class Sink:
    """Listens on a port of 127.0.0.1 that the kernel picks. `judge` maps octets to a reply, or None for 250."""

    def __init__(self, judge=lambda octets: None):
        self.judge = judge
        self.mails = []
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.sink = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def keep(self, mail):
        with self._arrived:
            self.mails.append(mail)
            self._arrived.notify_all()

    def to(self, recipient):
        """The messages for that recipient, in the order they came."""
        with self._arrived:
            return [mail for mail in self.mails if recipient in mail.recipients]

    def wait(self, recipient, seconds=60):
        """The first accepted message for that recipient; TimeoutError where none comes in time."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                for mail in self.mails:
                    if recipient in mail.recipients and mail.accepted:
                        return mail
                if not self._arrived.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no message for {recipient} within {seconds} s")

    def close(self):
        self._server.shutdown()
        self._server.server_close()
