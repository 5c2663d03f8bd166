"""`msgid-audit report` on the trail of the real daemon under a real Postfix, with five different producers behind it;
and its HTML in a real browser."""

import csv
import gzip
import io
import json
import os
import pathlib
import re
import signal
import smtplib
import subprocess
import time
import unittest

import chromium
import postfix
import producers
from cases import THREAD, message
from daemon import Daemon, socket_directory, stop_cleanly
from test_relay import DOMAIN, begin, scratch_directory

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MSGID_AUDIT", str(ROOT / "build/dev/msgid-audit"))
SCREENSHOTS = ROOT / "build/screenshots"

PHPMAILER = message("X-Mailer: PHPMailer 6.1.4 (https://github.com/PHPMailer/PHPMailer)",
                    "References: =?us-ascii?Q?<order-1@news.example>_<order-2@news.example>_<order-?=",
                    " =?us-ascii?Q?3@news.example>?=")
FREESCOUT = message("X-Mailer: FreeScout", "References: " + " ".join(THREAD[:25]))
MIMEKIT = message("X-Mailer: Invoices 2.0 (MimeKit 2.0.5)",
                  "In-Reply-To: =?us-ascii?q?=3C" + "0123456789ABCDEF" * 2 + "=40erp?=",
                  " =?us-ascii?q?=2Eexample=3E?=")

# name: sender domain, what it writes, how many times, rules, messages that would be changed
PRODUCERS = {
    "python": ("shop.example", producers.python_reply, 9, {"encoded-word"}, True),
    "phpmailer": ("news.example", lambda: PHPMAILER, 7, {"encoded-word"}, True),
    "ruby": ("wiki.example", lambda: producers.ruby("non-ascii"), 5, {"encoded-word"}, False),
    "freescout": ("desk.example", lambda: FREESCOUT, 4, {"line-too-long"}, True),
    "mimekit": ("erp.example", lambda: MIMEKIT, 3, {"encoded-word"}, True),
}
CLEAN = 22
AFFECTED = sum(row[2] for row in PRODUCERS.values())
CHANGED = sum(row[2] for row in PRODUCERS.values() if row[4])


def report(*arguments):
    """What it prints; an exit status other than 0, and anything on standard error, is an error."""
    done = subprocess.run([BINARY, "report", *map(str, arguments)], capture_output=True, timeout=120)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"exit status {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


class InBrowser:
    """What must be true of every page."""

    def look(self, page_file, name):
        """Opens it on a desk and on a telephone, light, dark and printed, and takes pictures."""
        if reason := chromium.missing():
            self.skipTest(reason)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        url = pathlib.Path(page_file).as_uri()
        with chromium.Chromium() as browser:
            for width, scheme, media in ((1280, "light", ""), (1280, "dark", ""), (390, "light", ""),
                                         (390, "dark", ""), (760, "light", "print")):
                with self.subTest(width=width, scheme=scheme, media=media):
                    page = browser.open(url, width=width, scheme=scheme, media=media)
                    page.screenshot(SCREENSHOTS / f"{name}-{width}-{media or scheme}.png")
                    self.check(page, url, width)
            self.check_keyboard(browser.open(url))

    def check(self, page, url, width):
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)
        self.assertEqual([], page.complaints)
        self.assertEqual([url], page.requests)
        self.assertEqual(0, page.evaluate("document.scripts.length + document.links.length - 1"))
        self.assertEqual("CSS1Compat", page.evaluate("document.compatMode"))
        # Each chart and bar says in words what it shows; each table has a caption and heads.
        self.assertEqual(0, page.evaluate("""[...document.querySelectorAll('svg[role=img]')]
            .filter(one => !one.querySelector(':scope > title')?.textContent.trim()).length"""))
        self.assertEqual(0, page.evaluate("""[...document.querySelectorAll('table')]
            .filter(one => !one.caption || !one.querySelector('thead th[scope=col]')
                           || !one.querySelector('tbody th[scope=row]')).length"""))
        self.assertEqual([], page.evaluate("""[...document.querySelectorAll('[aria-labelledby]')]
            .flatMap(one => one.getAttribute('aria-labelledby').split(' '))
            .filter(id => document.querySelectorAll(`[id="${id}"]`).length !== 1)"""))

    def check_keyboard(self, page):
        page.press("Tab", 9)
        self.assertEqual("#main", page.evaluate("document.activeElement.getAttribute('href')"))
        self.assertGreaterEqual(page.evaluate("document.activeElement.getBoundingClientRect().left"), 0)
        page.press("Tab", 9)
        self.assertEqual("SUMMARY", page.evaluate("document.activeElement.tagName"))
        self.assertNotEqual("none", page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))


class ReportTest(InBrowser, unittest.TestCase):
    missing = staticmethod(postfix.missing)

    @classmethod
    def setUpClass(cls):
        begin(cls)
        trail = socket_directory(cls.directory, "trail") / "audit.jsonl"
        cls.daemon = Daemon(cls.directory, "milter", mode="log-only", options=f"audit-log = {trail}\n")
        cls.daemon.start()
        cls.relay = postfix.Postfix(f"{cls.directory}/postfix", cls.sink.port,
                                    {"mail": {"smtpd_milters": cls.daemon.socket_for_postfix()}})
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)
        cls.send(sorted(PRODUCERS)[:2], CLEAN // 2)
        rotated = cls.rotate(trail)
        cls.send(sorted(PRODUCERS)[2:], CLEAN - CLEAN // 2)
        stop_cleanly([cls.daemon])
        cls.trails = [rotated, trail]
        cls.summary = json.loads(report("--format=json", *cls.trails))

    @classmethod
    def send(cls, names, clean):
        with smtplib.SMTP("127.0.0.1", cls.relay.port["mail"], "app.example", timeout=60) as client:
            for number in range(clean):
                client.sendmail("someone@clean.example", [f"clean{number}@{DOMAIN}"], message(),
                                mail_options=["BODY=8BITMIME"])
            for name in names:
                domain, write, count, _, _ = PRODUCERS[name]
                octets = write()
                for number in range(count):
                    client.sendmail(f"app@{domain}", [f"{name}{number}@{DOMAIN}"], octets,
                                    mail_options=["BODY=8BITMIME"])

    @classmethod
    def rotate(cls, trail):
        """As logrotate does it: renamed, the daemon told, then compressed."""
        rotated = trail.with_name("audit.jsonl.1")
        trail.rename(rotated)
        cls.daemon._child.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 30
        while not trail.exists():
            if time.monotonic() > deadline:
                raise AssertionError("the daemon does not open its audit-log again")
            time.sleep(0.02)
        compressed = rotated.with_name("audit.jsonl.1.gz")
        with gzip.open(compressed, "wb") as out:
            out.write(rotated.read_bytes())
        return compressed

    def test_totals_are_what_was_sent(self):
        total = self.summary["total"]
        self.assertEqual((AFFECTED + CLEAN, CLEAN, AFFECTED, 0),
                         tuple(total[key] for key in ("passed", "clean", "affected", "unread")))
        self.assertEqual(AFFECTED, total["messages"]["all"])
        self.assertEqual(CHANGED, total["messages"]["would-rewrite"])
        self.assertEqual(AFFECTED - CHANGED, total["messages"]["reported"])
        self.assertEqual([], self.summary["notes"])
        self.assertEqual(2, self.summary["reading"]["files"])
        self.assertEqual(AFFECTED + CLEAN, sum(day["passed"] for day in self.summary["days"]))
        self.assertEqual(AFFECTED + CLEAN, sum(hour["passed"] for hour in self.summary["hours"]))

    def test_each_producer_is_one_application(self):
        rows = self.summary["applications"]["rows"]
        self.assertEqual(sorted(((row[0], row[2]) for row in PRODUCERS.values()), key=lambda pair: -pair[1]),
                         [(row["domain"], row["messages"]["all"]) for row in rows])
        for row in rows:
            _, _, _, rules, is_changed = next(one for one in PRODUCERS.values() if one[0] == row["domain"])
            with self.subTest(domain=row["domain"]):
                self.assertEqual(rules, set(row["rules"]))
                self.assertEqual("would-rewrite" if is_changed else "reported", row["example"]["action"])
                self.assertRegex(row["client"], r"\[127\.0\.0\.1\]$")
                self.assertTrue(row["example"]["queue_id"])
                self.assertTrue(row["advice"])
        software = {row["domain"]: row["software"] or "" for row in rows}
        self.assertIn("Python", software["shop.example"])
        self.assertIn("FreeScout", software["desk.example"])

    def test_formats_agree(self):
        rows = list(csv.DictReader(io.StringIO(report("--format=csv", *self.trails))))
        total = next(row for row in rows if row["section"] == "total")
        self.assertEqual([str(AFFECTED + CLEAN), str(CLEAN), str(AFFECTED), "0", str(AFFECTED)],
                         [total[key] for key in ("passed", "clean", "affected", "unread", "messages")])
        for text in (report(*self.trails), report("--format=html", *self.trails).replace("&nbsp;", " ")):
            self.assertIn(self.summary["headline"], " ".join(text.split()))

    def test_html_in_a_browser(self):
        page = pathlib.Path(self.directory, "report.html")
        page.write_text(report("--format=html", *self.trails))
        self.look(page, "report")


def luminance(colour):
    """Of "#rrggbb", by WCAG 2.2."""
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class HtmlReportTest(InBrowser, unittest.TestCase):
    def setUp(self):
        self.directory = scratch_directory(type(self))

    def page(self, trail):
        page = pathlib.Path(self.directory, "report.html")
        page.write_text(report("--format=html", trail))
        return page

    def test_hostile_values_stay_values(self):
        self.look(self.page(ROOT / "tests/audit/data/trail-hostile.jsonl"), "hostile")

    def test_contrast(self):
        style = self.page(ROOT / "tests/audit/data/trail-hostile.jsonl").read_text().partition("</style>")[0]
        schemes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
                   for block in re.findall(r":root {(.*?)}", style, re.S)]
        light, dark = schemes[0], schemes[0] | schemes[1]
        for colours in (light, dark):
            for ink in ("ink", "muted", "link"):
                for ground in ("page", "card", "before", "after", "tell", "warn", "empty"):
                    with self.subTest(ink=ink, ground=ground):
                        self.assertGreaterEqual(contrast(colours[ink], colours[ground]), 4.5)
            for bar in ("would", "changed", "reported", "failed", "warn-line"):
                for ground in ("page", "card", "empty"):
                    with self.subTest(bar=bar, ground=ground):
                        self.assertGreaterEqual(contrast(colours[bar], colours[ground]), 3)

    def test_a_week(self):
        week = subprocess.run(["/usr/bin/python3", ROOT / "tests/audit/data/week.py"], capture_output=True, check=True,
                              timeout=60).stdout
        trail = pathlib.Path(self.directory, "week.jsonl")
        trail.write_bytes(week)
        page = self.page(trail)
        self.look(page, "week")
        with chromium.Chromium() as browser:  # what docs/report.png is
            tab = browser.open(page.as_uri(), width=1180)
            height = tab.evaluate("document.querySelector('.application').getBoundingClientRect().bottom")
            tab.screenshot(SCREENSHOTS / "readme.png", height=height + 24)
