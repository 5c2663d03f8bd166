"""`msgid-audit fix` against the daemon under a real Postfix: what fix writes is what Postfix delivers."""

import os
import pathlib
import smtplib
import subprocess
import unittest

import cases
import postfix
from daemon import Daemon, stop_cleanly
from sink import fields
from test_relay import DOMAIN, begin, edited, without_received

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/corpus"
BINARY = os.environ.get("MSGID_AUDIT", str(ROOT / "build/dev/msgid-audit"))


def configurations():
    """The policies of the corpus: name to the text of the .conf; "default" is the empty one."""
    return {"default": "", **{path.stem: path.read_text() for path in sorted(CORPUS.glob("*.conf"))}}


def messages():
    """(name, policy, octets with CRLF) of the corpus and of the relay tests."""
    found = [(case.name, "default", case.octets) for case in cases.ALL]
    for path in sorted(CORPUS.glob("*.eml")):
        policy = path.stem if path.with_suffix(".conf").exists() else "default"
        found.append((path.stem, policy, path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")))
    return found


class AuditTest(unittest.TestCase):
    missing = staticmethod(postfix.missing)

    @classmethod
    def setUpClass(cls):
        begin(cls)
        cls.policies = configurations()
        cls.messages = messages()
        cls.daemons = {name: Daemon(cls.directory, name, options=text) for name, text in cls.policies.items()}
        cls.addClassCleanup(lambda: stop_cleanly(d for d in cls.daemons.values() if d.running()))
        for name, daemon in cls.daemons.items():
            daemon.start()
            (pathlib.Path(cls.directory) / f"{name}.policy").write_text(cls.policies[name])
        services = {name: {"smtpd_milters": daemon.socket_for_postfix()} for name, daemon in cls.daemons.items()}
        cls.relay = postfix.Postfix(f"{cls.directory}/postfix", cls.sink.port, {"plain": {}, **services})
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)

    @classmethod
    def deliver(cls, port, way, all_messages):
        """What the next hop gets of each, by name, without the relay's own Received field."""
        with smtplib.SMTP("127.0.0.1", cls.relay.port[port], "app.example", timeout=60) as client:
            for name, octets in all_messages.items():
                client.sendmail(f"{name}@app.example", [f"{name}.{way}@{DOMAIN}"], octets,
                                mail_options=["BODY=8BITMIME"])
        try:
            return {name: without_received(cls.sink.wait(f"{name}.{way}@{DOMAIN}", 120).octets)[0]
                    for name in all_messages}
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{cls.relay.log()[-8000:]}") from None

    def fix(self, octets, policy, *arguments):
        run = subprocess.run([BINARY, "fix", "--config", f"{self.directory}/{policy}.policy", *arguments, "-"],
                             input=octets, capture_output=True, timeout=60)
        self.assertEqual((0, b""), (run.returncode, run.stderr))
        return run.stdout

    def test_fix_writes_what_postfix_delivers_through_the_milter(self):
        fixed = {name: self.fix(octets, policy) for name, policy, octets in self.messages}
        changed = [name for name, _, octets in self.messages if fixed[name] != octets]
        self.assertGreater(len(changed), 40)
        by_fix = self.deliver("plain", "fix", fixed)
        for policy in self.policies:
            sent = {name: octets for name, of_message, octets in self.messages if of_message == policy}
            for name, octets in self.deliver(policy, f"{policy}.milter", sent).items():
                with self.subTest(message=name):
                    self.assertEqual(by_fix[name], octets,
                                     self.daemons[policy].log()[-4000:] + self.relay.log()[-4000:])

    def test_fix_changes_field_bodies_only_and_only_once(self):
        for name, policy, octets in self.messages:
            with self.subTest(message=name):
                fixed = self.fix(octets, policy)
                self.assertEqual(fixed, self.fix(fixed, policy))
                before, after = fields(octets), fields(fixed)
                self.assertEqual([n for n, _ in before], [n for n, _ in after])
                self.assertEqual(octets.partition(b"\r\n\r\n")[2], fixed.partition(b"\r\n\r\n")[2])

    def test_fix_makes_the_edits_of_the_cases(self):
        for case in cases.ALL:
            with self.subTest(case=case.name):
                self.assertEqual(edited(case.octets, case.edits), self.fix(case.octets, "default"))
