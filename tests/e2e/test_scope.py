"""Whose mail is touched, through a real Postfix: two recipients, an authenticated client, an exempt network.

The client and its login come by XCLIENT, which smtpd takes from the loopback address here and shows to its milters as
if they were so.
"""

import smtplib
import time
import unittest

import cases
import postfix
from daemon import Daemon, stop_cleanly
from test_relay import begin, edited, without_received

CASE = cases.PRODUCED[0]
OPTIONS = {
    "recipient": "only-recipient = .in.example\n",
    "client": "exempt-client = 192.0.2.0/24\n",
    "user": "exempt-authenticated = yes\n",
    "audit": "exempt-client = 192.0.2.0/24\naudit-exempt = yes\n",
}


class ScopePostfixTest(unittest.TestCase):
    missing = staticmethod(postfix.missing)

    @classmethod
    def setUpClass(cls):
        begin(cls)
        cls.daemons = {}
        cls.addClassCleanup(lambda: stop_cleanly(cls.daemons.values()))
        for name, options in OPTIONS.items():
            daemon = Daemon(cls.directory, name, options=options)
            daemon.start()
            cls.daemons[name] = daemon
        services = {name: {"smtpd_milters": f"{{ {daemon.socket_for_postfix()}, default_action=tempfail }}"}
                    for name, daemon in cls.daemons.items()}
        cls.relay = postfix.Postfix(f"{cls.directory}/postfix", cls.sink.port, services,
                                    {"smtpd_authorized_xclient_hosts": "127.0.0.1",
                                     "mynetworks": "0.0.0.0/0"})
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)

    def is_repaired(self, service, recipients, xclient=None):
        """Sends the case; whether all recipients get it repaired, and none as it was."""
        with smtplib.SMTP("127.0.0.1", self.relay.port[service], timeout=60) as client:
            client.ehlo("app.example")
            if xclient:
                self.assertEqual(220, client.docmd("XCLIENT", xclient)[0])
                client.ehlo("app.example")
            client.sendmail("app@app.example", recipients, CASE.octets)
        got = {without_received(self.sink.wait(recipient).octets)[0] for recipient in recipients}
        self.assertEqual(1, len(got))
        octets = got.pop()
        self.assertIn(octets, (CASE.octets, edited(CASE.octets, CASE.edits)))
        return octets != CASE.octets

    def test_one_of_two_recipients_suffices(self):
        self.assertTrue(self.is_repaired("recipient", ["r1@out.example", "r2@x.in.example"]))
        self.assertFalse(self.is_repaired("recipient", ["r3@out.example", "r4@other.example"]))

    def test_an_exempt_network(self):
        self.assertTrue(self.is_repaired("client", ["c1@exchange.example"]))
        self.assertFalse(self.is_repaired("client", ["c2@exchange.example"], "ADDR=192.0.2.7 NAME=x.example"))
        self.assertTrue(self.is_repaired("client", ["c3@exchange.example"], "ADDR=198.51.100.7 NAME=x.example"))

    def test_an_authenticated_client(self):
        self.assertTrue(self.is_repaired("user", ["u1@exchange.example"]))
        self.assertFalse(self.is_repaired("user", ["u2@exchange.example"], "LOGIN=somebody"))

    def test_what_is_exempt_is_logged_on_request(self):
        self.assertFalse(self.is_repaired("audit", ["a1@exchange.example"], "ADDR=192.0.2.7 NAME=x.example"))
        daemon = self.daemons["audit"]
        deadline = time.monotonic() + 30
        while "scope=exempt" not in daemon.log() and time.monotonic() < deadline:
            time.sleep(0.02)  # the log has a thread of its own, and the mail may be sooner
        self.assertRegex(daemon.log(), r"action=would-rewrite .* scope=exempt client=x\.example\[192\.0\.2\.7\]")
