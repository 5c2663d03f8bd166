#!/usr/bin/python3
"""A week of an audit trail in log-only mode, as two relays would have written it; the same one each time.

    week.py [HOST...]          only what these relays wrote

The applications are made up, what they write is not: the shapes are those of real software.
"""

import datetime
import json
import random
import sys

BEGIN = datetime.datetime(2026, 11, 16, tzinfo=datetime.timezone.utc)
RELAYS = ("mx1.example.net", "mx2.example.net")
chance = random.Random(20261116).random  # the one method whose numbers stay the same in all versions of Python

# Share of a day's mail by hour: people by day, jobs by night.
HOURS = (2, 2, 2, 3, 3, 4, 9, 20, 44, 58, 62, 57, 43, 50, 55, 52, 47, 34, 20, 12, 9, 7, 5, 3)
WEEKDAYS = (1.05, 1.0, 1.02, 0.98, 0.85, 0.24, 0.18)
MAIL_A_DAY = 9200


def number(below):
    return int(chance() * below)


def q(text):
    """As Python's email writes it: everything but letters and digits escaped."""
    return "".join(c if c.isalnum() and c.isascii() else f"={ord(c):02X}" for c in text)


def python_words(msg_id, first):
    """Two encoded-words, the cut after `first` characters of the id."""
    return f"=?utf-8?q?{q(msg_id[:first])}?= =?utf-8?q?{q(msg_id[first:])}?="


def finding(rule, field, action, before, after="", **more):
    return {"rule": rule, "field": field, "instance": 1, "action": action, **more, "before": before,
            **({"after": after} if after else {})}


def shop(serial, time):
    msg_id = f"<{time:%Y%m%d%H%M%S}.{4700 + serial}.{number(10 ** 8):08d}@worker-7f9c-4d2a.shop.example>"
    return [finding("encoded-word", "Message-ID", "would-rewrite", python_words(msg_id, 42), msg_id,
                    dkim={"breaks": ["shop.example"]})]


def helpdesk(serial, time):
    outlook = f"<DB9PR08MB{number(10 ** 4):04d}{number(16 ** 12):012X}@DB9PR08MB6809.eurprd08.prod.outlook.com>"
    own = f"<ticket-{88000 + serial}@help.example.org>"
    return [finding("encoded-word", "In-Reply-To", "would-rewrite", python_words(outlook, 38), outlook),
            finding("encoded-word", "References", "would-rewrite", f"{own} {python_words(outlook, 40)}",
                    f"{own} {outlook}")]


def newsletter(serial, time):
    ids = [f"<campaign-{311 + number(4)}.{serial * 3 + i}@news.example.com>" for i in range(3)]
    return [finding("encoded-word", "References", "would-rewrite",
                    f"=?us-ascii?Q?{ids[0]}_{ids[1]}_{ids[2][:12]}?= =?us-ascii?Q?{ids[2][12:]}?=", " ".join(ids),
                    dkim={"breaks": ["news.example.com", "esp.example"]})]


def tickets(serial, time):
    ids = [f"<conversation-{900 + serial}-{i}.{number(16 ** 10):010x}@desk.example.org>" for i in range(26)]
    both = {"dkim": {"keeps": ["desk.example.org"]}}
    return [finding("line-too-long", "References", "would-rewrite", " ".join(ids), " ".join(ids), **both)]


def erp(serial, time):
    tail = f".{serial}.{number(10 ** 6):06d}@erp.example.com>"
    return [finding("encoded-word", "Message-ID", "reported", f"=?UTF-8?Q?<Auftr=C3=A4ge{tail}?=", reason="non-ascii")]


def scanner(serial, time):
    msg_id = f"scan{serial:06d}.{number(10 ** 6):06d}@mfp-3rd-floor"
    return [finding("brackets", "Message-ID", "reported", msg_id)]


def stray(serial, time):
    kind = number(4)
    if kind == 0:
        return [finding("malformed", "Message-ID", "reported", "none")]
    if kind == 1:
        return [finding("duplicate-field", "In-Reply-To", "reported", f"<{serial}@mua.example>")]
    if kind == 2:
        return [finding("space-in-msgid", "References", "would-rewrite", f"<{serial}. a@ mua.example>",
                        f"<{serial}.a@mua.example>")]
    return [finding("exchange-charset", "Subject", "reported", "=?cp-850?Q?Gr=81=E1e?=")]


# name: findings, share of all mail, client, sender, From domain, agent, hours if not those of all
APPLICATIONS = (
    (shop, 0.0088, ("app1.shop.example", "192.0.2.10"), "bounce@shop.example", "shop.example", "", None),
    (helpdesk, 0.0046, ("help.example.org", "2001:db8::25"), "tickets@help.example.org", "help.example.org",
     "Zulu Helpdesk 4.2 (Python 3.11)", None),
    (newsletter, 0.0029, ("out-7.esp.example", "198.51.100.7"), "b-7@bounce.esp.example", "news.example.com",
     "PHPMailer 6.1.4 (https://github.com/PHPMailer/PHPMailer)", (6, 7)),
    (tickets, 0.0008, ("desk.example.org", "203.0.113.80"), "support@desk.example.org", "desk.example.org",
     "FreeScout", None),
    (erp, 0.0007, ("erp.corp.example", "192.0.2.44"), "invoice@erp.example.com", "erp.example.com", "Ruby mail 2.7.1",
     (2, 3)),
    (scanner, 0.0003, ("", "192.0.2.131"), "scan@corp.example", "corp.example", "", None),
)
STRAYS = 0.0005


def pick_hour(hours):
    if hours:
        return hours[number(len(hours))]
    at = chance() * sum(HOURS)
    for hour, weight in enumerate(HOURS):
        at -= weight
        if at < 0:
            return hour
    return 23


def record(time, relay, serial, application):
    make, _, client, sender, from_domain, agent, _ = application
    result = {"version": 1, "type": "message", "time": f"{time:%Y-%m-%dT%H:%M:%SZ}", "host": relay,
              "queue_id": f"4XyZ{serial:06X}", "client_address": client[1]}
    result |= {key: value for key, value in (("client_name", client[0]), ("sender", sender),
                                             ("from_domain", from_domain), ("agent", agent)) if value}
    return result | {"findings": make(serial, time)}


def records_of(day):
    """(time, relay, record) of a day, in no order."""
    mail = MAIL_A_DAY * WEEKDAYS[day]
    for application in APPLICATIONS:
        hours = application[-1]
        for _ in range(round(MAIL_A_DAY * application[1] * (1 if hours else WEEKDAYS[day]) * (0.8 + 0.4 * chance()))):
            yield application, hours
    for _ in range(round(mail * STRAYS)):
        host = number(90)
        yield (stray, 0, (f"home-{host}.isp.example", f"198.51.100.{host + 100}"), f"user{host}@isp{host % 13}.example",
               "", ("", "Microsoft Outlook 16.0", "Mutt/1.2.5i", "Balsa 1.4.3")[number(4)], None), None


def totals(begin, end, relay, found):
    minutes = (end - begin).total_seconds() / 60
    hours = HOURS[begin.hour] / sum(HOURS)
    clean = round(MAIL_A_DAY * WEEKDAYS[begin.weekday()] * hours * minutes / 60 * (0.3 + 0.4 * chance()))
    findings = {}
    for one in found:
        for of_rule in one["findings"]:
            actions = findings.setdefault(of_rule["rule"], {})
            actions[of_rule["action"]] = actions.get(of_rule["action"], 0) + 1
    unread = 1 if chance() < 0.01 else 0
    return {"version": 1, "type": "totals", "time": f"{end:%Y-%m-%dT%H:%M:%SZ}", "since": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
            "host": relay, "messages": clean + len(found) + unread, "clean": clean, "affected": len(found),
            "unread": unread, "findings": findings}


def week():
    serial = 0
    quarter = datetime.timedelta(minutes=15)  # a daemon writes them each minute; this keeps it short
    for day in range(7):
        midnight = BEGIN + datetime.timedelta(days=day)
        written = {}
        for application, hours in records_of(day):
            serial += 1
            time = midnight + datetime.timedelta(hours=pick_hour(hours), seconds=number(3600))
            relay = RELAYS[number(5) // 3]
            slot = (time - midnight) // quarter
            written.setdefault((relay, slot), []).append(record(time, relay, serial, application))
        for slot in range(96):
            for relay in RELAYS:
                found = sorted(written.get((relay, slot), ()), key=lambda one: (one["time"], one["queue_id"]))
                yield from found
                yield totals(midnight + slot * quarter, midnight + (slot + 1) * quarter, relay, found)


def main(hosts):
    for line in week():
        if not hosts or line["host"] in hosts:
            print(json.dumps(line))


if __name__ == "__main__":
    main(sys.argv[1:])
