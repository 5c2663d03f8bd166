"""The 13th promise of ARCHITECTURE.md, checked for the core's edits: every clean left@right that an independent reader
finds in a listed field before the edit - decoded, and split at white space, commas and brackets - is found there after
it. The only exceptions: an id that alone exceeds msgid-length (its name takes its place), references-too-long = fix,
and non-ascii = fix.

The reader is written from that sentence and knows nothing of scan(), nor of body.scan(). A pair of brackets with
exactly one "@" in it counts as one id, without its white space: a spurious fold is no part of the id.
"""

import base64
import binascii
import re

import body

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
CLEAN = re.compile(rf"{ATOM}(?:\.{ATOM})*@(?:{ATOM}(?:\.{ATOM})*|\[[!-Z^-~]*\])")
WORD = re.compile(r"=\?[^?<> \t\n]*\?([qQbB])\?([^? \t\n]*)\?=")


def decoded(word):
    """What the word says, or the word itself where it says nothing."""
    if word[1] in "qQ":
        return re.sub("=([0-9A-Fa-f]{2})", lambda octet: chr(int(octet[1], 16)), word[2].replace("_", " "))
    try:
        return base64.b64decode(word[2].rstrip("=") + "=" * (-len(word[2].rstrip("=")) % 4)).decode("latin-1")
    except (binascii.Error, ValueError):
        return word[0]


def readable(octets, is_decoding=True):
    """The clean ids in a field body."""
    if is_decoding:
        octets = re.sub(r"(?<=\?=)[ \t\n]+(?==\?)", "", octets)
        octets = WORD.sub(decoded, octets)
    found = set()

    def one(pair):
        if pair[1].count("@") != 1:
            return pair[0]
        found.add(re.sub(r"[ \t\n]", "", pair[1]))
        return " "

    octets = re.sub(r"<([^<>]*)>", one, octets)
    found.update(re.split(r"[ \t\n,<>]+", octets))
    return {an_id for an_id in found if CLEAN.fullmatch(an_id)}


def lost(octets, new_body, policy, edits_of_rules):
    """Ids that were there before and are not there after. An exception counts where the rule made an edit."""
    if "references-too-long" in edits_of_rules or "non-ascii" in edits_of_rules:
        return set()
    is_decoding = policy.action["encoded-word"] != "off"  # else encoded-words are a phrase to all
    before, after = readable(octets, is_decoding), readable(new_body, is_decoding)
    gone = before - after
    if "msgid-too-long" in edits_of_rules:
        for an_id in set(gone):
            name = body.shorten("<" + an_id + ">", policy.msgid_domain, policy.msgid_length)
            if len(an_id) + 2 > policy.msgid_length and name and name[1:-1] in after:
                gone.remove(an_id)
    return gone
