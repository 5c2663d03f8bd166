"""The messages that go through the relays, and what must become of them.

The new bodies and the findings stand here as derived by hand from the rules in README and man page, not from
the program's output. `edits` maps (field name in small letters, instance) to the new body as it reaches the
sink, folds as CRLF; every field that is not named there must stay as it was, to the octet.
"""

import uuid
from dataclasses import dataclass, field

import producers
from producers import AMAZON, OUTLOOK, SHORT

NAMESPACE = uuid.UUID("4d011192-96f2-5ce6-9eea-f9121f361b37")


@dataclass(frozen=True)
class Case:
    name: str
    octets: bytes
    edits: dict = field(default_factory=dict)
    findings: tuple = ()  # (field, instance, rule, action), in any order
    agent: str = ""


# Behind the header: what a filter that only looks at some fields must let pass as it is. A first line that
# looks like a field, dots, trailing white space, 8-bit octets, an empty line, a line near the limit.
BODY = (b"\r\nMessage-ID: =?utf-8?q?=3Cbody=40example=2Ecom=3E?=\r\n.\r\n..two dots\r\ntrailing \t \r\n"
        b"gr\xc3\xbc\xc3\x9fe\r\n\r\n" + b"long " * 190 + b"\r\nlast line\r\n")


def message(*lines):
    """A message with these field lines in the middle of its header; a Message-ID is added if there is none."""
    head = [b"From: Shop <shop@app.example>", b"To: Customer <customer@exchange.example>",
            b"Date: Sat, 21 Nov 2026 12:00:00 +0000",
            b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_from_Message-ID=3A_=3Ca=40b=3E?="]
    middle = [line.encode("latin-1") if isinstance(line, str) else line for line in lines]
    if not any(line.lower().startswith(b"message-id") for line in middle):
        middle.append(b"Message-ID: " + SHORT.encode())
    tail = [b"Content-ID: =?utf-8?q?=3Cpart1=40app=2Eexample=3E?=", b"MIME-Version: 1.0",
            b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit"]
    return b"\r\n".join(head + middle + tail) + b"\r\n" + BODY


def clean(name, *lines):
    return Case(name, message(*lines))


def rewritten(name, octets, edits, rules=("encoded-word",), agent=""):
    """Every edited field has a finding of each of these rules."""
    spelled = {"message-id": "Message-ID", "in-reply-to": "In-Reply-To", "references": "References",
               "resent-message-id": "Resent-Message-ID"}
    findings = [(spelled[name], instance, rule, "rewritten") for name, instance in edits for rule in rules]
    return Case(name, octets, edits, tuple(findings), agent)


def reported(name, octets, *findings):
    return Case(name, octets, {}, tuple((name, instance, rule, "reported") for name, instance, rule in findings))


# 49 octets each, so that 19 of them with the space before each fill the first line of a References field:
# 11 + 19 * 50 = 961, and a twentieth would pass 998.
THREAD = [f"<2026112112{i:04d}.0a1b2c3d4e5f607@mail.app.example>" for i in range(60)]
assert all(len(msg_id) == 49 for msg_id in THREAD)


def thread_on_two_lines(count):
    return " " + " ".join(THREAD[:19]) + "\r\n " + " ".join(THREAD[19:count])


# By real producers, see producers.py.
PRODUCED = [
    rewritten("python-reply", producers.python_reply(),
              {("in-reply-to", 1): f" {OUTLOOK}", ("references", 1): f" {SHORT} {AMAZON} {OUTLOOK}"}),
    rewritten("python-message-id", producers.python_message_id(), {("message-id", 1): f" {AMAZON}"}),
    rewritten("python-resent", producers.python_resent(),
              {("resent-message-id", 1): f" {AMAZON}", ("resent-message-id", 3): f" {OUTLOOK}"}),
    rewritten("python-header-class", producers.python_header_class(),
              {("message-id", 1): f" {OUTLOOK}", ("references", 1): f" {SHORT} {AMAZON}"}, agent="shop/2.1"),
    reported("python-header-base64", producers.python_header_base64(), ("Message-ID", 1, "encoded-word")),
    reported("ruby-non-ascii", producers.ruby("non-ascii"), ("Message-ID", 1, "encoded-word")),
    Case("ruby-thread", producers.ruby("thread")),
]

# In the shapes of other producers, by hand.
_PROTONMAIL = "_".join(THREAD[:21])
_PROTONMAIL_CUT = 978  # 19 ids and the beginning of the twentieth: the word has 990 octets, its line 1002

ENCODED = [
    rewritten("phpmailer",
              message("References: =?us-ascii?Q?<order-1@app.example>_<order-2@app.example>_<order-?=",
                      " =?us-ascii?Q?3@app.example>?="),
              {("references", 1): " <order-1@app.example> <order-2@app.example> <order-3@app.example>"}),
    rewritten("protonmail",
              message(f"References: =?utf-8?Q?{_PROTONMAIL[:_PROTONMAIL_CUT]}?=",
                      f" =?utf-8?Q?{_PROTONMAIL[_PROTONMAIL_CUT:]}?="),
              {("references", 1): thread_on_two_lines(21)}, rules=("encoded-word", "line-too-long")),
    rewritten("plain-then-encoded", message(f"References: {SHORT}", "\t=?UTF-8?q?=3Cone=40app=2Eexample=3E?= <two@b>"),
              {("references", 1): f" {SHORT} <one@app.example> <two@b>"}),
    rewritten("base64-and-q", message("In-Reply-To: =?utf-8?B?PG9uZUBh?=", " =?US-ASCII*en?q?pp=2Eexample=3E?="),
              {("in-reply-to", 1): " <one@app.example>"}),
    rewritten("no-brackets", message("Message-ID: =?us-ascii?Q?1234.5678=40app.example?="),
              {("message-id", 1): " <1234.5678@app.example>"}),
    rewritten("commas", message("References: =?utf-8?q?=3Ca=40b=3E=2C_=3Cc=40d=3E?=,<e@f>"),
              {("references", 1): " <a@b> <c@d> <e@f>"}),
    rewritten("lost-space", message("References: =?utf-8?q?=3Ca=40b=3E?=", " =?utf-8?q?=3Cc=40d=3E?="),
              {("references", 1): " <a@b> <c@d>"}),
    rewritten("no-space-after-colon", message("In-Reply-To:=?utf-8?q?=3Ca=40b=3E?="), {("in-reply-to", 1): " <a@b>"}),
    rewritten("fold-after-colon", message("In-Reply-To:\r\n\t=?utf-8?q?=3Ca=40b=3E?="), {("in-reply-to", 1): " <a@b>"}),
    rewritten("comment-kept", message("In-Reply-To: =?utf-8?q?=3Ca=40b=3E?= (of \"Tue\")"),
              {("in-reply-to", 1): ' <a@b> (of "Tue")'}),
    Case("spelling", message("MESSAGE-id: =?utf-8?q?=3Ca=40b=3E?="), {("message-id", 1): " <a@b>"},
         (("MESSAGE-id", 1, "encoded-word", "rewritten"),)),
    Case("duplicate",
         message("In-Reply-To: =?utf-8?q?=3Ca=40b=3E?=", "X-Between: 1", "in-reply-to: =?utf-8?q?=3Cc=40d=3E?="),
         {("in-reply-to", 1): " <a@b>", ("in-reply-to", 2): " <c@d>"},
         (("In-Reply-To", 1, "encoded-word", "rewritten"), ("in-reply-to", 2, "encoded-word", "rewritten"),
          ("in-reply-to", 2, "duplicate-field", "reported"))),
    Case("one-of-two-lists",  # an edit beside a refusal: each field for itself
         message("In-Reply-To: =?utf-16?q?=3Ca=40b=3E?=", "References: =?utf-8?q?=3Ca=40b=3E?="),
         {("references", 1): " <a@b>"},
         (("In-Reply-To", 1, "encoded-word", "reported"), ("References", 1, "encoded-word", "rewritten"))),
]

# What decodes to more or less than ids stays as it was.
REFUSED = [
    reported("injection", message("Message-ID: =?utf-8?q?=3Ca=40b=3E=0D=0ABcc=3A_x=40y=2Eexample?="),
             ("Message-ID", 1, "encoded-word")),
    reported("broken-escape", message("Message-ID: =?utf-8?q?=3Ca=40b=3?="), ("Message-ID", 1, "encoded-word")),
    reported("text-left-over", message("In-Reply-To: =?utf-8?q?Your_mail_=3Ca=40b=3E?="),
             ("In-Reply-To", 1, "encoded-word")),
    # ProtonMail's long word when a Postfix on its way has cut the line.
    reported("word-cut-by-postfix", message("References: =?utf-8?Q?<order-1@app.example>_<order-", " 2@app.example>?="),
             ("References", 1, "encoded-word"), ("References", 1, "space-in-msgid")),
    reported("two-message-ids", message("Message-ID: =?utf-8?q?=3Ca=40b=3E_=3Cc=40d=3E?="),
             ("Message-ID", 1, "encoded-word")),
]

_LONG_ID = "<" + "x" * 966 + "@app.example>"
_LONG_NAME = f" <{uuid.uuid5(NAMESPACE, _LONG_ID)}@app.example>"

LENGTHS_AND_SPACE = [
    rewritten("one-long-line", message("References: " + " ".join(THREAD[:25])),
              {("references", 1): thread_on_two_lines(25)}, rules=("line-too-long",)),
    # What Postfix's smtp client leaves of such a line: CRLF SP behind 998 octets, in the middle of the twentieth id.
    rewritten("cut-by-postfix",
              message("References: " + " ".join(THREAD[:19]) + " " + THREAD[19][:36], " " + THREAD[19][36:]),
              {("references", 1): thread_on_two_lines(20)}, rules=("space-in-msgid",)),
    # What Sendmail leaves: "!" before the fold. It may as well be the id's own.
    reported("cut-by-sendmail", message("References: <a@b> <order-12345!", " 67890@app.example>"),
             ("References", 1, "space-in-msgid")),
    rewritten("space-in-msgid", message("In-Reply-To: < order-1@\r\n app.example >"),
              {("in-reply-to", 1): " <order-1@app.example>"}, rules=("space-in-msgid",)),
    reported("uncertain-space", message("In-Reply-To: <order 1@app.example>"), ("In-Reply-To", 1, "space-in-msgid")),
    rewritten("long-message-id", message(f"Message-ID: {_LONG_ID}", f"References: <a@b> {_LONG_ID}"),
              {("message-id", 1): _LONG_NAME, ("references", 1): " <a@b>" + _LONG_NAME}, rules=("msgid-too-long",)),
    reported("long-references", message("References: " + "\r\n ".join(THREAD[:50])),
             ("References", 1, "references-too-long")),
    reported("utf-8", message("In-Reply-To: <größe@app.example>".encode()), ("In-Reply-To", 1, "non-ascii")),
    reported("bare-id", message("Message-ID: 1234.5678@app.example"), ("Message-ID", 1, "brackets")),
    reported("no-id", message("Message-ID: none"), ("Message-ID", 1, "malformed")),
]

# Seen in real mail and harmless: no edit and no line in the log.
CLEAN = [
    clean("fold-then-space", "Message-ID:\r\n <DB9PR08MB6809A1B2C3D4E5F6@DB9PR08MB6809.prod.outlook.com>"),
    clean("fold-then-tab", "Message-ID:\r\n\t<DB9PR08MB6809A1B2C3D4E5F6@DB9PR08MB6809.prod.outlook.com>"),
    clean("space-then-fold", "Message-Id: \r\n <20261121.1@app.example>"),
    clean("no-space", "Message-ID:<20261121.1@app.example>"),
    clean("two-spaces", "Message-ID:  <20261121.1@app.example> "),
    clean("microsoft", "Message-ID: <[a1b2c3d4e5-KR4E2VCFKJGDQMBQ======@microsoft.com]>"),
    clean("no-at", "Message-ID: <3F2504E0-4F89-11D3-9A0C-0305E82C3301>", "References: <yes> <no>"),
    clean("comma-in-id", "Message-ID: <Share-a1b2,c3d4-e5f6@odspnotify>"),
    clean("outlook", "Message-ID: <!&!AAAAAAAAAAAYAAAAAAAAAP1a2b3c4d5e6f7A==@app.example>"),
    clean("two-at", "Message-ID: <order@shop@app.example>"),
    clean("long-line", f"Message-ID: <{'y' * 300}@app.example>"),
    clean("literal", "Message-ID: <20261121.1@[192.0.2.1]>", "In-Reply-To: <1@[IPv6:2001:db8::1]>"),
    clean("joined-by-comma", "References: <a@b>,<c@d>,<e@f>"),
    clean("comment", 'In-Reply-To: <a@b> (Shop\'s message of "Tue, 17 Nov 2026 09:00:00 +0000")'),
    clean("phrase", 'In-Reply-To: Your message of "Tue, 17 Nov 2026 09:00:00 +0000" <a@b>'),
    clean("encoded-comment", "In-Reply-To: <a@b> (=?utf-8?q?Gr=C3=BC=C3=9Fe?= of Tuesday)"),
    clean("encoded-phrase", "References: =?utf-8?q?Gr=C3=BC=C3=9Fe?= of Tuesday <a@b>"),
    clean("one-id-a-line", "References: <a@b>\r\n <c@d>\r\n\t<e@f>"),
    clean("other-fields", "X-Original-Message-ID: =?utf-8?q?=3Ca=40?=\r\n =?utf-8?q?b=3E?=",
          "Thread-Index: =?utf-8?B?QWN2?=", "X-Long: " + "0123456789 " * 120, "Empty:"),
]

# Messages without a header field, by name. Nothing is found in them, and each has to be answered.
WITHOUT_FIELDS = {
    "empty": b"",
    "empty-line": b"\r\n",
    "body-only": b"\r\ntext\r\n",
    "no-field": b"This first line is no field.\r\nMessage-ID: =?utf-8?q?=3Ca=40b=3E?=\r\n\r\ntext\r\n",
}

ALL = PRODUCED + ENCODED + REFUSED + LENGTHS_AND_SPACE + CLEAN
