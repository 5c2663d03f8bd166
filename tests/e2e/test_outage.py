"""The milter is killed in the middle of an SMTP session. With the default action accept mail goes on unrepaired, with
tempfail the client keeps it; once the milter is back all is repaired again. No message is lost, and none doubled."""

import smtplib
import time
import unittest

import cases
import postfix
import sendmail
from daemon import Daemon, stop_cleanly
from test_relay import DOMAIN, begin, edited, without_received

CASE = next(case for case in cases.ALL if case.name == "python-header-class")


class OutageTests:
    """For each MTA: missing() as in RelayTests; make_relay() offers a way "accept" and a way "tempfail"."""

    @classmethod
    def setUpClass(cls):
        begin(cls)
        cls.daemon = Daemon(cls.directory, "milter")
        cls.daemon.start()
        cls.addClassCleanup(lambda: stop_cleanly([cls.daemon]))
        cls.relay = cls.make_relay()
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)

    def setUp(self):
        if not self.daemon.running():  # a test before this one failed
            self.daemon.start()

    def connect(self, way):
        client = smtplib.SMTP("127.0.0.1", self.relay.port[way], "app.example", timeout=60)
        self.addCleanup(client.close)
        client.ehlo()
        return client

    def send(self, client, recipient, in_the_middle=lambda: None):
        """The reply code that decides about the message: to MAIL, RCPT or DATA where that is a refusal, else to its
        end. `in_the_middle` is called when half of the message has been sent."""
        client.rset()
        for command in ("MAIL FROM:<shop@app.example>", f"RCPT TO:<{recipient}@{DOMAIN}>", "DATA"):
            code, _ = client.docmd(command)
            if code >= 400:
                return code
        half = len(CASE.octets) // 2
        client.send(CASE.octets[:half])
        in_the_middle()
        client.send(CASE.octets[half:] + b".\r\n")
        return client.getreply()[0]

    def assert_delivered(self, recipient, repaired):
        octets, _ = without_received(self.sink.wait(f"{recipient}@{DOMAIN}").octets)
        self.assertEqual(edited(CASE.octets, CASE.edits) if repaired else CASE.octets, octets, recipient)
        self.assertEqual(1, len(self.sink.to(f"{recipient}@{DOMAIN}")), recipient)

    def test_accept_lets_mail_pass_unrepaired(self):
        client = self.connect("accept")
        self.assertEqual(250, self.send(client, "accept-1"))
        self.assertEqual(250, self.send(client, "accept-2", in_the_middle=self.daemon.kill))
        self.assertEqual(250, self.send(client, "accept-3"))
        self.assertEqual(250, self.send(self.connect("accept"), "accept-4"))
        self.daemon.start()
        self.assertEqual(250, self.send(self.connect("accept"), "accept-5"))
        for number, repaired in ((1, True), (2, False), (3, False), (4, False), (5, True)):
            self.assert_delivered(f"accept-{number}", repaired)

    def test_tempfail_makes_the_client_keep_it(self):
        client = self.connect("tempfail")
        self.assertEqual(250, self.send(client, "tempfail-1"))
        refused = ["tempfail-2", "tempfail-3", "tempfail-4"]
        self.assertEqual(4, self.send(client, refused[0], in_the_middle=self.daemon.kill) // 100)
        self.assertEqual(4, self.send(client, refused[1]) // 100)
        self.assertEqual(4, self.send(self.connect("tempfail"), refused[2]) // 100)
        self.daemon.start()
        client = self.connect("tempfail")
        for recipient in refused:
            self.assertEqual(250, self.send(client, recipient))
        for recipient in ["tempfail-1", *refused]:
            self.assert_delivered(recipient, repaired=True)

    def test_a_stop_serves_the_session_that_is_open(self):
        client = self.connect("tempfail")
        self.assertEqual(250, self.send(client, "drain-1", in_the_middle=self.daemon.stop))
        self.assertEqual(4, self.send(self.connect("tempfail"), "drain-2") // 100)
        self.assertEqual(250, self.send(client, "drain-3"))
        client.quit()
        self.daemon.wait()
        self.daemon.start()
        for number in (1, 3):
            self.assert_delivered(f"drain-{number}", repaired=True)

    def test_what_a_stop_cuts_is_decided_by_the_default_action(self):
        client = self.connect("tempfail")

        def stop_at_once():
            self.daemon.stop()
            self.daemon.stop()
            self.daemon.wait()

        self.assertEqual(4, self.send(client, "cut-1", in_the_middle=stop_at_once) // 100)
        self.daemon.start()
        self.assertEqual(250, self.send(self.connect("tempfail"), "cut-1"))
        self.assert_delivered("cut-1", repaired=True)


class PostfixTest(OutageTests, unittest.TestCase):
    missing = staticmethod(postfix.missing)

    @classmethod
    def make_relay(cls):
        milter = {action: f"{{ {cls.daemon.socket_for_postfix()}, default_action={action} }}"
                  for action in ("accept", "tempfail")}
        return postfix.Postfix(f"{cls.directory}/postfix", cls.sink.port,
                               {action: {"smtpd_milters": value} for action, value in milter.items()},
                               {"non_smtpd_milters": milter["tempfail"]})

    # Nobody is there to be told 4xx: Postfix keeps it, and tries again by itself or when told to.
    def test_tempfail_keeps_mail_from_sendmail_1_in_the_queue(self):
        self.daemon.kill()
        self.relay.submit("shop@app.example", f"local@{DOMAIN}", CASE.octets.replace(b"\r\n", b"\n"))
        deadline = time.monotonic() + 60
        while "milter-reject: " not in self.relay.log():
            self.assertLess(time.monotonic(), deadline, "Postfix does not notice that the milter is gone")
            time.sleep(0.1)
        self.assertEqual([], self.sink.to(f"local@{DOMAIN}"))
        self.daemon.start()
        self.relay.flush()
        self.assert_delivered("local", repaired=True)


class SendmailTest(OutageTests, unittest.TestCase):
    missing = staticmethod(sendmail.missing)

    @classmethod
    def make_relay(cls):
        socket = cls.daemon.socket_for_sendmail()
        return sendmail.Sendmail(f"{cls.directory}/sendmail", cls.sink.port,
                                 {"accept": ["accept"], "tempfail": ["tempfail"]},
                                 {"accept": f"S={socket}", "tempfail": f"S={socket}, F=T"})
