"""The daemon is restarted again and again while 16 clients send through Postfix, with the default action tempfail.

Every message is broken, and has an id of its own. It is sent until it is taken: each must arrive once, and repaired.
MSGID_RESTARTS=N makes the restarts in longer sessions N, instead of 3.
"""

import collections
import itertools
import os
import re
import smtplib
import threading
import time
import unittest

import postfix
from daemon import Daemon, stop_cleanly
from sink import fields
from test_relay import DOMAIN, begin

CLIENTS = 16
RESTARTS_IN_LONGER_SESSIONS = int(os.environ.get("MSGID_RESTARTS", "3"))


def kill_and_start(daemon):
    daemon.kill()
    daemon.start()


class Load:
    """Clients that send until they are told to stop; each then goes on until its message is taken."""

    def __init__(self, port, name, messages_a_session, pause):
        self.port = port
        self.name = name
        self.messages_a_session = messages_a_session
        self.pause = pause  # seconds between two messages of a client
        self.taken = []
        self.refusals = collections.Counter()
        self._numbers = itertools.count(1)
        self._is_over = threading.Event()
        self._errors = []
        self._clients = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        deadline = time.monotonic() + 120
        for client in self._clients:
            client.join(max(0, deadline - time.monotonic()))
        if self._errors or any(client.is_alive() for client in self._clients):
            raise AssertionError(f"clients did not come to an end: {self._errors}")

    def go_on(self, messages):
        """Returns once so many more have been taken."""
        wanted = len(self.taken) + messages
        deadline = time.monotonic() + 60
        while len(self.taken) < wanted and not self._errors:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: no message is taken any more: {self.refusals}")
            time.sleep(0.005)

    def _run(self):
        try:
            waiting = []
            while waiting or not self._is_over.is_set():
                waiting = self._session(waiting)
        except (OSError, smtplib.SMTPException) as error:
            self._errors.append(repr(error))

    def _session(self, waiting):
        """One SMTP session; gives the message that was refused, and ends with it."""
        with smtplib.SMTP("127.0.0.1", self.port, "app.example", timeout=60) as client:
            for _ in range(self.messages_a_session):
                if not waiting and self._is_over.is_set():
                    break
                message = waiting.pop() if waiting else f"{self.name}.{next(self._numbers)}"
                reply = self._send(client, message)
                if reply != "250":
                    self.refusals[reply] += 1
                    time.sleep(0.05)
                    return [message]
                self.taken.append(message)
                time.sleep(self.pause)
        return []

    def _send(self, client, message):
        """The first reply that is an error, or that to the end of the message."""
        octets = (f"From: Shop <shop@app.example>\r\nTo: customer@{DOMAIN}\r\nSubject: {message}\r\n"
                  f"Message-ID: =?utf-8?q?=3C{message}=40?=\r\n =?utf-8?q?app=2Eexample=3E?=\r\n\r\nText.\r\n")
        client.ehlo_or_helo_if_needed()
        for command in ("MAIL FROM:<shop@app.example>", f"RCPT TO:<{message}@{DOMAIN}>", "DATA"):
            code, text = client.docmd(command)
            if code not in (250, 354):
                return f"{code} to {command[:4]}: {text.decode()}"
        client.send(octets.encode() + b".\r\n")
        code, text = client.getreply()
        return "250" if code == 250 else f"{code} to the message: {text.decode()}"


class PostfixTest(unittest.TestCase):
    missing = staticmethod(postfix.missing)

    @classmethod
    def setUpClass(cls):
        begin(cls)
        cls.daemons = {
            "plain": Daemon(cls.directory, "plain"),
            "activated": Daemon(cls.directory, "activated", activated=True),
            "brief": Daemon(cls.directory, "brief", activated=True, options="drain-timeout = 1s\n"),
        }
        cls.addClassCleanup(lambda: stop_cleanly(daemon for daemon in cls.daemons.values() if daemon.running()))
        for daemon in cls.daemons.values():  # before Postfix, which greets nobody while the filter does not answer
            daemon.start()
        cls.relay = postfix.Postfix(
            f"{cls.directory}/postfix", cls.sink.port,
            {way: {"smtpd_milters": f"{{ {daemon.socket_for_postfix()}, default_action=tempfail }}"}
             for way, daemon in cls.daemons.items()})
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)

    def run_load(self, name, way, times, restart=Daemon.restart, messages_a_session=1, pause=0.1):
        """The load with the daemon restarted that often; how many 4xx there were."""
        daemon = self.daemons[way]
        if not daemon.running():  # a test before this one failed
            daemon.start()
        before, logged = len(self.sink.mails), len(daemon.log())
        began = time.monotonic()
        with Load(self.relay.port[way], name, messages_a_session, pause) as load:
            for _ in range(times):
                load.go_on(2)
                restart(daemon)
            load.go_on(CLIENTS)
        self.assert_each_arrived_once_and_repaired(load.taken, before)
        for reply in load.refusals:
            self.assertRegex(reply, "^4")
        refused = sum(load.refusals.values())
        open_sessions = [int(count) for count in re.findall(r": stopping sessions=(\d+)", daemon.log(logged))]
        print(f"\n{name}: {len(load.taken)} messages, {times} restarts in {time.monotonic() - began:.0f} s, "
              f"{sum(open_sessions)} sessions open at a stop, {refused} messages refused with 4xx", end=" ", flush=True)
        return refused

    def assert_each_arrived_once_and_repaired(self, taken, before):
        deadline = time.monotonic() + 60
        while len(self.sink.mails) - before < len(taken) or "queue is empty" not in self.relay.queue():
            self.assertLess(time.monotonic(), deadline, "what Postfix has taken does not arrive")
            time.sleep(0.1)
        arrived = self.sink.mails[before:]
        self.assertEqual(sorted((f"{message}@{DOMAIN}",) for message in taken),
                         sorted(mail.recipients for mail in arrived))
        for mail in arrived:
            message = mail.recipients[0].split("@")[0]
            self.assertEqual([f" <{message}@app.example>".encode()],
                             [body for name, body in fields(mail.octets) if name == "Message-ID"])

    def test_restarts_by_socket_activation(self):
        self.assertEqual(0, self.run_load("activation", "activated", 100))

    def test_restarts_by_stop_and_start(self):
        self.run_load("stop-and-start", "plain", 20)

    def test_restarts_by_kill(self):
        self.run_load("kill", "plain", 20, restart=kill_and_start)

    # Postfix keeps the filter for a session: what is longer than drain-timeout is cut.
    def test_restarts_in_longer_sessions(self):
        self.run_load("longer-sessions", "brief", RESTARTS_IN_LONGER_SESSIONS, messages_a_session=10, pause=0.3)
