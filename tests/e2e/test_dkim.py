"""What msgid-audit says of signatures against a signer and verifier that nobody here wrote: python3-dkim.

Each message gets many signatures, each under a domain of its own: both canonicalizations, each with the fields that the
filter may edit in h= once, twice, not at all, and each of them alone. `fix` makes the edits. Then, for every signature:
the verifier says no if and only if some edit says dkim=breaks for its domain.
"""

import base64
import collections
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import cases
import producers
from sink import fields
from test_relay import edited, scratch_directory

try:
    import dkim
except ImportError:
    dkim = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/corpus"
BINARY = os.environ.get("MSGID_AUDIT", str(ROOT / "build/dev/msgid-audit"))
LISTED = (b"message-id", b"resent-message-id", b"in-reply-to", b"references")
ALWAYS = (b"from", b"to", b"subject", b"date")
CANONICALIZATIONS = (b"relaxed", b"simple")
SELECTOR = b"test"

# What h= holds besides ALWAYS, by the name that stands in the domain.
COVERAGES = {"once": LISTED, "twice": LISTED + LISTED, "none": (), "other": (b"x-not-there", b"reply-to"),
             **{name.decode(): (name,) for name in LISTED}}
SIGNATURES = {f"{coverage}.{canonicalization.decode()}.example": (canonicalization, ALWAYS + names)
              for coverage, names in COVERAGES.items() for canonicalization in CANONICALIZATIONS}


def missing():
    """Why nothing can be signed here, or None."""
    if dkim is None:
        return "the python3-dkim package is not installed"
    if not shutil.which("openssl"):
        return "the openssl package is not installed"
    return None


def with_crlf(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def refolded(octets, name, fold):
    """The message with other white space in front of each id of that field."""
    bodies = {(key.lower(), 1): fold + fold.join(body.decode().split())
              for key, body in fields(octets) if key.lower() == name}
    return edited(octets, bodies)


def messages():
    """(name, policy, octets with CRLF). The policy is the text of a configuration file."""
    found = [(case.name, "", case.octets) for case in cases.ALL]
    for path in sorted(CORPUS.glob("*.eml")):
        policy = path.with_suffix(".conf")
        found.append((path.stem, policy.read_text() if policy.exists() else "", with_crlf(path.read_bytes())))
    # Edits that are folds and nothing else: a relaxed signature bears them.
    thread = " ".join(f"<{i:04d}.4711@thread.example>" for i in range(60))
    reply = cases.message(f"References: {thread}", "In-Reply-To: <a@b>\r\n\t<c@d> ", "Message-ID:\r\n  <e@f>")
    short = cases.message("References: <a@b>\r\n \t <c@d>", "Message-ID: \r\n\t<e@f>",
                          "In-Reply-To:\r\n <c@d>\r\n <a@b>  ")
    return found + [
        ("fold-thread", "", reply),
        ("fold-thread-78", "fold-at = 78\n", refolded(reply, "references", "  ")),
        ("unfold", "rule.folded = fix\n", short),
        ("unfold-tabs", "rule.folded = fix\n", refolded(short, "in-reply-to", "\r\n\t")),
        ("unfold-one-of-two", "rule.folded = fix\n",
         cases.message("Resent-Message-ID:\r\n <a@b>", "X-Between: 1", "resent-message-id: <c@d>",
                       "Resent-Message-ID:\t<e@f>\r\n\t")),
        ("fold-and-decode", "rule.folded = fix\n",
         cases.message("References:\r\n <a@b>", "Message-ID: =?utf-8?q?=3Cc=40d=3E?=", "In-Reply-To: <e@f>")),
        ("three-of-a-name", "",
         cases.message(*[f"Resent-Message-ID: =?utf-8?q?=3C{i}=40b=3E?=" for i in range(3)], "In-Reply-To: <a@b>")),
        ("first-of-three", "", cases.message("Resent-Message-ID: =?utf-8?q?=3Ca=40b=3E?=", "Resent-Message-ID: <c@d>",
                                             "Resent-Message-ID: <e@f>")),
        ("second-of-three", "", cases.message("Resent-Message-ID: <a@b>", "Resent-Message-ID: =?utf-8?q?=3Cc=40d=3E?=",
                                              "Resent-Message-ID: <e@f>")),
    ]


class DkimTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if reason := missing():
            raise unittest.SkipTest(reason)
        cls.directory = pathlib.Path(scratch_directory(cls))
        # 1024 bits is what the verifier takes at least; more would only be slow.
        cls.key = cls.openssl("genrsa", "-traditional", "1024")
        public = cls.openssl("rsa", "-pubout", "-outform", "DER", octets=cls.key)
        cls.record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
        cls.messages = {name: (policy, octets) for name, policy, octets in messages()}
        cls.outcomes = {}
        cls.signed = {name: cls.sign(octets, SIGNATURES) for name, (_, octets) in cls.messages.items()}

    @staticmethod
    def openssl(*words, octets=b""):
        return subprocess.run(["openssl", *words], input=octets, capture_output=True, timeout=60, check=True).stdout

    @classmethod
    def lookup(cls, name, timeout=5):
        """The DNS, as dkim asks it: one key for all domains."""
        return cls.record if name.startswith(SELECTOR + b"._domainkey.") else None

    @classmethod
    def sign(cls, octets, signatures):
        for domain, (canonicalization, names) in signatures.items():
            octets = dkim.sign(octets, SELECTOR, domain.encode(), cls.key, canonicalize=(canonicalization, b"simple"),
                               include_headers=names) + octets
        return octets

    @classmethod
    def verify(cls, octets):
        """Domain to what the verifier says, of the signatures made here."""
        answers = {}
        verifier = dkim.DKIM(octets)
        for index in range(len(SIGNATURES)):
            try:
                valid = verifier.verify(index, dnsfunc=cls.lookup)
                domain = verifier.domain.decode()
            except dkim.DKIMException:  # the corpus has signature fields that are none, below those made here
                continue
            if domain in SIGNATURES:
                answers[domain] = valid
        return answers

    def run_audit(self, status, *words, octets=b""):
        result = subprocess.run([BINARY, *words], input=octets, capture_output=True, timeout=120)
        self.assertIn(result.returncode, status, result.stderr)
        self.assertEqual(result.stderr, b"")
        return result.stdout

    def fix_and_check(self, octets, policy, *options):
        """The message after `fix`, and the findings of `check` on its header."""
        path = self.directory / "policy"
        path.write_text(policy)
        words = [f"--config={path}", *options]
        records = [json.loads(line) for line in self.run_audit((0, 1), "check", "--format=json", *words,
                                                               octets=octets).splitlines()]
        findings = [finding for record in records for finding in record["findings"]
                    if record["type"] == "message" and not finding.get("part")]
        return self.run_audit((0,), "fix", *words, octets=octets), findings

    def outcome(self, name, *options):
        """fix_and_check() of one of the signed messages, under its policy; kept for the next test that asks."""
        key = (name, *options)
        if key not in self.outcomes:
            self.outcomes[key] = self.fix_and_check(self.signed[name], self.messages[name][0], *options)
        return self.outcomes[key]

    @staticmethod
    def said(findings, word):
        return {domain for finding in findings for domain in finding.get("dkim", {}).get(word, [])}

    def test_every_signature_is_valid_before(self):
        for name, octets in self.signed.items():
            with self.subTest(name):
                self.assertEqual(self.verify(octets), dict.fromkeys(SIGNATURES, True))

    def test_the_verifier_says_what_the_findings_say(self):
        answers = collections.Counter()
        for name, before in self.signed.items():
            with self.subTest(name):
                after, findings = self.outcome(name)
                edits = [finding for finding in findings if finding["action"] == "would-rewrite"]
                self.assertEqual(after != before, bool(edits))
                verified = self.verify(after)
                breaks, keeps = self.said(edits, "breaks"), self.said(edits, "keeps")
                self.assertEqual({domain: domain not in breaks for domain in SIGNATURES}, verified)
                answers.update((domain, "breaks") for domain in breaks)
                answers.update((domain, "keeps") for domain in keeps)
        # Both answers were seen, of every kind of signature that can give them.
        for coverage in COVERAGES:
            relaxed, simple = f"{coverage}.relaxed.example", f"{coverage}.simple.example"
            covers = coverage not in ("none", "other")
            with self.subTest(coverage):
                self.assertEqual(answers[relaxed, "breaks"] > 0, covers)
                self.assertEqual(answers[relaxed, "keeps"] > 0, covers)
                self.assertEqual(answers[simple, "breaks"] > 0, covers)
                self.assertEqual(answers[simple, "keeps"], 0)

    def test_each_edit_for_itself(self):
        """One edit of a message at a time: each finding's word, not only all of them together."""
        singles = 0
        for name, before in self.signed.items():
            after, findings = self.outcome(name)
            edits = {(finding["field"].lower(), finding["instance"]): finding for finding in findings
                     if finding["action"] == "would-rewrite"}
            new = list(fields(after))
            seen = collections.Counter()
            for field, body in new:
                seen[field.lower()] += 1
                place = (field.lower(), seen[field.lower()])
                if place not in edits:
                    continue
                singles += 1
                with self.subTest(name, field=place):
                    only = edited(before, {place: body.decode()})
                    breaks = self.said([edits[place]], "breaks")
                    self.assertEqual({domain: domain not in breaks for domain in SIGNATURES}, self.verify(only))
        self.assertGreater(singles, 60)

    def test_keep_leaves_every_signature_valid(self):
        held_back = 0
        for name in self.signed:
            with self.subTest(name):
                after, findings = self.outcome(name, "--signed=keep")
                self.assertEqual(self.verify(after), dict.fromkeys(SIGNATURES, True))
                for finding in findings:
                    if finding.get("dkim", {}).get("breaks"):
                        self.assertNotEqual(finding["action"], "would-rewrite", finding)
                        held_back += 1
        self.assertGreater(held_back, 30)

    def test_one_signature_of_a_field_that_is_there_once(self):
        """The plain case, as most mail has it: one signature, what it says, what the verifier says."""
        for domain, signature in SIGNATURES.items():
            with self.subTest(domain):
                before = self.sign(producers.python_message_id(), {domain: signature})
                after, findings = self.fix_and_check(before, "")
                self.assertEqual([finding["rule"] for finding in findings], ["encoded-word"])
                is_covered = b"message-id" in signature[1]
                self.assertEqual(findings[0].get("dkim", {}), {"breaks": [domain]} if is_covered else {})
                self.assertEqual(dkim.verify(after, dnsfunc=self.lookup), not is_covered)

    def test_one_domain_that_signs_three_times(self):
        thread = " ".join(f"<{i:04d}.4711@thread.example>" for i in range(60))
        before = cases.message(f"References: {thread}")
        for canonicalization in (b"relaxed", b"relaxed", b"simple"):
            before = self.sign(before, {"all.example": (canonicalization, ALWAYS + LISTED)})
        after, findings = self.fix_and_check(before, "")
        self.assertEqual([finding["dkim"] for finding in findings],
                         [{"keeps": ["all.example"], "breaks": ["all.example"]}])
        verifier = dkim.DKIM(after)
        # The one that was added last stands first.
        self.assertEqual([verifier.verify(index, dnsfunc=self.lookup) for index in range(3)], [False, True, True])

    @unittest.skipUnless(importlib.util.find_spec("authres"), "the python3-authres package is not installed")
    def test_arc_message_signatures(self):
        """Two ARC sets, of a forwarder that signs the ids and of one that does not, over one that is decoded and
        over one that is only folded."""
        thread = " ".join(f"<{i:04d}.4711@thread.example>" for i in range(60))
        rows = {"Message-ID: =?utf-8?q?=3Ca=40b=3E?=": [{"breaks": ["ids.example"]}],
                f"References: {thread}": [{"keeps": ["ids.example"]}],
                "X-Other: 1": []}
        orders = [((b"ids.example", ALWAYS + LISTED), (b"no-ids.example", ALWAYS)),
                  ((b"no-ids.example", ALWAYS), (b"ids.example", ALWAYS + LISTED + LISTED))]
        for line, words in rows.items():
            for order in orders:
                with self.subTest(line[:20], first=order[0][0]):
                    before = cases.message(line)
                    for number, (domain, names) in enumerate(order):
                        result = b"arc=pass" if number else b"spf=pass smtp.mailfrom=app.example"
                        before = b"Authentication-Results: " + domain + b"; " + result + b"\r\n" + before
                        before = b"".join(dkim.arc_sign(before, SELECTOR, domain, self.key, domain,
                                                        include_headers=list(names))) + before
                    self.assertEqual(self.verify_arc(before), {b"ids.example": True, b"no-ids.example": True})
                    after, findings = self.fix_and_check(before, "")
                    edits = [finding for finding in findings if finding["action"] == "would-rewrite"]
                    self.assertEqual([finding["dkim"] for finding in edits], words)
                    is_valid = not self.said(edits, "breaks")
                    self.assertEqual(self.verify_arc(after), {b"ids.example": is_valid, b"no-ids.example": True})

    @classmethod
    def verify_arc(cls, octets):
        """Domain to whether its ARC-Message-Signature verifies."""
        _, results, _ = dkim.arc_verify(octets, dnsfunc=cls.lookup)
        return {result["ams-domain"]: result["ams-valid"] for result in results}


if __name__ == "__main__":
    unittest.main()
