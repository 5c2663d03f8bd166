"""Every case goes through a real MTA five ways: without the milter, then through it on a UNIX socket and on TCP,
in rewrite and in log-only mode. What the next hop gets must differ from the first only where the case says so."""

import collections
import itertools
import os
import re
import shutil
import smtplib
import tempfile
import unittest

import cases
import postfix
import sendmail
from daemon import Daemon, stop_cleanly
from sink import Sink, fields

REWRITING = ("unix", "inet")
LOG_ONLY = ("unix-log-only", "inet-log-only")
ALL_WAYS = ("plain",) + REWRITING + LOG_ONLY
DOMAIN = "exchange.example"

FINDING = re.compile(r'^msgid-milter: (?P<queue_id>\w+): field=(?P<field>\S+) instance=(?P<instance>\d+) '
                     r'rule=(?P<rule>\S+) action=(?P<action>\S+)( reason=\S+)? before="(?P<before>.*?)"'
                     r'( after="(?P<after>.*?)")? client=\S+\[127\.0\.0\.1\] sender="<?(?P<case>[^@]*)@app\.example>?" '
                     r'agent="(?P<agent>.*?)"$')


def scratch_directory(test):
    """A temporary directory that the MTA's user can enter, removed with the test class."""
    directory = tempfile.mkdtemp(prefix="msgid-e2e-")
    test.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
    os.chmod(directory, 0o755)
    return directory


def begin(test):
    """What the tests of each MTA begin with: a reason to skip them, or a directory and the next hop."""
    if reason := test.missing():
        raise unittest.SkipTest(reason)
    test.directory = scratch_directory(test)
    test.sink = Sink()
    test.addClassCleanup(test.sink.close)


def deliver(port, sender, recipient, octets):
    """Sends one message, the very octets: smtplib would put a line into an empty one. The server has to answer in time,
    before Postfix gives up on a filter (milter_content_timeout, 300 s)."""
    with smtplib.SMTP("127.0.0.1", port, "app.example", timeout=30) as client:
        client.ehlo_or_helo_if_needed()
        for code, reply in (client.mail(sender), client.rcpt(recipient), client.docmd("DATA")):
            if code >= 400:
                raise AssertionError(reply)
        client.send(octets + b".\r\n")
        code, reply = client.getreply()
        if code != 250:
            raise AssertionError(reply)


def without_received(octets):
    """The message without the relay's own Received field, and that field: queue id and time are in it."""
    match = re.match(rb"Received: .*\r\n([ \t].*\r\n)*", octets)
    return octets[match.end():], match[0]


def edited(octets, edits):
    """The message with the field bodies that the edits name replaced, all else as it was."""
    body = octets[octets.index(b"\r\n\r\n"):]
    lines, seen = [], collections.Counter()
    for name, field_body in fields(octets):
        seen[name.lower()] += 1
        new_body = edits.get((name.lower(), seen[name.lower()]))
        lines.append(name.encode() + b":" + (field_body if new_body is None else new_body.encode()))
    return b"\r\n".join(lines) + body


class RelayTests:
    """For each MTA: missing() says why it cannot be had, make_relay() attaches the daemons, line_limit is its own."""

    @classmethod
    def setUpClass(cls):
        begin(cls)
        cls.daemons = {}
        cls.addClassCleanup(lambda: stop_cleanly(cls.daemons.values()))
        for way in REWRITING + LOG_ONLY:
            mode = "log-only" if way in LOG_ONLY else "rewrite"
            daemon = Daemon(cls.directory, way, way.partition("-")[0], mode)
            daemon.start()
            cls.daemons[way] = daemon
        cls.relay = cls.make_relay()
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)
        cls.received = {}
        for way in ALL_WAYS:
            cls.send_all(way)
        for way in ALL_WAYS:
            for case in cases.ALL:
                cls.received[way, case.name] = cls.sink.wait(f"{case.name}.{way}@{DOMAIN}", 120).octets

    @classmethod
    def send_all(cls, way):
        """All cases on one SMTP session, as a busy sender does it."""
        with smtplib.SMTP("127.0.0.1", cls.relay.port[way], "app.example", timeout=60) as client:
            for case in cases.ALL:
                client.sendmail(f"{case.name}@app.example", [f"{case.name}.{way}@{DOMAIN}"], case.octets,
                                mail_options=["BODY=8BITMIME"])

    # Else the tests below would compare with what the MTA has made of a message.
    def test_without_the_milter_nothing_changes(self):
        for case in cases.ALL:
            with self.subTest(case=case.name):
                if max(map(len, case.octets.split(b"\r\n"))) <= self.line_limit:
                    self.assertEqual(case.octets, without_received(self.received["plain", case.name])[0])

    def test_rewrite_changes_what_the_case_says_and_nothing_else(self):
        for way, case in itertools.product(REWRITING, cases.ALL):
            with self.subTest(way=way, case=case.name):
                without_milter, _ = without_received(self.received["plain", case.name])
                expected = edited(without_milter, case.edits)
                self.assertEqual(bool(case.edits), expected != without_milter, "the case expects what was there before")
                self.assertEqual(expected, without_received(self.received[way, case.name])[0])

    def test_log_only_changes_nothing(self):
        for way, case in itertools.product(LOG_ONLY, cases.ALL):
            with self.subTest(way=way, case=case.name):
                self.assertEqual(without_received(self.received["plain", case.name])[0],
                                 without_received(self.received[way, case.name])[0])

    def test_each_finding_is_a_log_line_and_nothing_else_is(self):
        for way, daemon in self.daemons.items():
            logged = collections.defaultdict(list)
            serving, *lines = daemon.log().splitlines()
            self.assertIn(f" mode={daemon.mode} ", serving)
            for line in lines:
                finding = FINDING.match(line)
                self.assertTrue(finding, line)
                logged[finding["case"]].append(finding)
            for case in cases.ALL:
                with self.subTest(way=way, case=case.name):
                    self.compare(way, case, logged[case.name])

    def compare(self, way, case, logged):
        expected = [finding[:3] + ("would-rewrite" if finding[3] == "rewritten" and way in LOG_ONLY else finding[3],)
                    for finding in case.findings]
        self.assertCountEqual(
            expected, [(line["field"], int(line["instance"]), line["rule"], line["action"]) for line in logged])
        _, received_field = without_received(self.received[way, case.name])
        for line in logged:
            self.assertIn(f" id {line['queue_id']}\r\n".encode(), received_field)
            self.assertEqual(case.agent, line["agent"])
            self.assertEqual(line["action"] == "reported", line["after"] is None)
            if line["after"]:
                new_body = case.edits[line["field"].lower(), int(line["instance"])].strip().replace("\r\n", "")
                escaped = new_body.replace('"', '\\"')
                self.assertEqual(escaped if len(escaped) <= 400 else escaped[:400] + "...", line["after"])


    # libmilter dropped the end of such a message without an answer where DATA was sent, as on TCP.
    def test_a_message_without_fields_is_delivered_in_time(self):
        for name, octets in cases.WITHOUT_FIELDS.items():
            bodies = {}
            for way in ALL_WAYS:
                with self.subTest(way=way, message=name):
                    bodies[way] = self.body_of(way, name, octets)
                    self.assertEqual(bodies["plain"], bodies[way])

    def body_of(self, service, name, octets):
        """What comes after the header when the message has gone through that service."""
        recipient = f"{name}.{service}@{DOMAIN}"
        deliver(self.relay.port[service], f"{name}@app.example", recipient, octets)
        return self.sink.wait(recipient).octets.partition(b"\r\n\r\n")[2]


class PostfixTest(RelayTests, unittest.TestCase):
    missing = staticmethod(postfix.missing)
    line_limit = 998  # of Postfix's smtp client, which cuts what is longer

    @classmethod
    def make_relay(cls):
        # The administrator's two lines, and each other way as an exception from them.
        milter = {way: f"{{ {daemon.socket_for_postfix()}, default_action=accept }}"
                  for way, daemon in cls.daemons.items()}
        options = {"smtpd_milters": milter["unix"], "non_smtpd_milters": "$smtpd_milters"}
        services = {way: {"smtpd_milters": milter[way]} for way in milter if way != "unix"}
        for way, version in cls.OLD_PROTOCOLS:
            attributes = f"default_action=accept, protocol={version}"
            services[f"{way}-{version}"] = {
                "smtpd_milters": f"{{ {cls.daemons[way].socket_for_postfix()}, {attributes} }}"}
        return postfix.Postfix(f"{cls.directory}/postfix", cls.sink.port,
                               {"plain": {"smtpd_milters": ""}, "unix": {}, **services}, options)

    # 6 is the default.
    OLD_PROTOCOLS = tuple(itertools.product(REWRITING, (2, 3, 4)))

    def test_old_versions_of_the_protocol_work(self):
        case = cases.PRODUCED[0]
        for way, version in self.OLD_PROTOCOLS:
            service = f"{way}-{version}"
            with self.subTest(service=service):
                for name, octets in cases.WITHOUT_FIELDS.items():
                    self.body_of(service, name, octets)
                recipient = f"{case.name}.{service}@{DOMAIN}"
                deliver(self.relay.port[service], f"{case.name}.old@app.example", recipient, case.octets)
                octets, _ = without_received(self.sink.wait(recipient).octets)
                self.assertEqual(edited(case.octets, case.edits), octets)

    # non_smtpd_milters: programs that call sendmail(1) write lines that end in LF and pass no smtpd.
    def test_mail_from_sendmail_1_is_repaired(self):
        for case in cases.PRODUCED:
            with self.subTest(case=case.name):
                recipient = f"{case.name}.local@{DOMAIN}"
                self.relay.submit(f"{case.name}.local@app.example", recipient, case.octets.replace(b"\r\n", b"\n"))
                octets, _ = without_received(self.sink.wait(recipient).octets)
                self.assertEqual(edited(case.octets, case.edits), octets)


class SendmailTest(RelayTests, unittest.TestCase):
    missing = staticmethod(sendmail.missing)
    line_limit = 2040  # of Sendmail's relay mailer (its smtp mailer's is 990)

    @classmethod
    def make_relay(cls):
        filters = {way: f"S={daemon.socket_for_sendmail()}" for way, daemon in cls.daemons.items()}
        return sendmail.Sendmail(f"{cls.directory}/sendmail", cls.sink.port,
                                 {"plain": [], **{way: [way] for way in filters}}, filters)
