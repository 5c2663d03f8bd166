"""Messages by programs that write broken msg-id fields: Python's own email package and Ruby's mail gem.

What they write is theirs, so an expectation that fails here after an upgrade may mean that they were mended.
"""

import email.policy
import pathlib
import subprocess
from email.header import Header
from email.headerregistry import HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.mime.text import MIMEText

OUTLOOK = "<DB9PR08MB6809A1B2C3D4E5F60718293A4B5C6D@DB9PR08MB6809.eurprd08.prod.outlook.com>"
AMAZON = "<0102018c3f2a7b1e-5d4c3b2a-1f0e-4d3c-9b8a-7f6e5d4c3b2a-000000@eu-west-1.amazonses.com>"
SHORT = "<20261121.1@app.example>"


def _finish(message):
    message["From"] = "Shop <shop@app.example>"
    message["To"] = "Customer <customer@exchange.example>"
    message["Date"] = "Sat, 21 Nov 2026 12:00:00 +0000"
    message["Subject"] = "Your order"
    return message


def python_reply():
    """A reply by email.message as it is today (3.11): In-Reply-To and References come out encoded, the
    Message-ID does not; the first id of References is short enough to stay plain."""
    message = _finish(EmailMessage(policy=email.policy.SMTP))
    message["Message-ID"] = SHORT
    message["In-Reply-To"] = OUTLOOK
    message["References"] = " ".join([SHORT, AMAZON, OUTLOOK])
    message.set_content("Thank you.\n")
    return message.as_bytes()


def python_message_id():
    """A Message-ID as Python 3.7 and older wrote it.

    Those had no entry for Message-ID in the header registry; a registry whose entry is the default class
    makes today's email package write what they wrote.
    """
    registry = HeaderRegistry()
    registry.map_to_type("message-id", UniqueUnstructuredHeader)
    message = _finish(EmailMessage(policy=email.policy.SMTP.clone(header_factory=registry)))
    message["Message-ID"] = AMAZON
    message.set_content("Thank you.\n")
    return message.as_bytes()


def python_resent():
    """A message resent three times. Long Resent-Message-IDs are encoded, and so is Original-Message-ID, which is none
    of the filter's fields."""
    message = _finish(EmailMessage(policy=email.policy.SMTP))
    for msg_id in (AMAZON, SHORT, OUTLOOK):
        message["Resent-From"] = "list@app.example"
        message["Resent-Date"] = "Sat, 21 Nov 2026 12:01:00 +0000"
        message["Resent-Message-ID"] = msg_id
    message["Message-ID"] = SHORT
    message["Original-Message-ID"] = AMAZON
    message.set_content("Thank you.\n")
    return message.as_bytes()


def python_header_class():
    """Message-ID and References through email.header.Header, as applications from before email.message do."""
    message = _finish(MIMEText("Thank you.\n"))
    message["Message-ID"] = Header(OUTLOOK, "utf-8")
    message["References"] = Header(f"{SHORT} {AMAZON}", "utf-8")
    message["User-Agent"] = "shop/2.1"
    return message.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n"))


def python_header_base64():
    """An id that is not ASCII, for which Header chooses B: no msg-id can be made of it."""
    message = _finish(MIMEText("Thank you.\n"))
    message["Message-ID"] = Header("<größe@app.example>", "utf-8")
    return message.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n"))


def ruby(shape):
    """What producer.rb prints for that shape; its lines end in CRLF."""
    script = pathlib.Path(__file__).with_name("producer.rb")
    written = subprocess.run(["/usr/bin/ruby", script, shape], capture_output=True, check=True, timeout=60)
    return written.stdout
