"""An mbox of messages; the headers of all but the last are over a header-size of 4096."""

SIGNATURE = "DKIM-Signature: v=1; c=relaxed/simple; d=sender.example; h=message-id; b=" + 50 * f"\n {'x' * 80}" + "\n"
BROKEN, CLEAN = "Message-ID: < a@b.example>\n", "Message-ID: <a@b.example>\n"

for header in (
    SIGNATURE + BROKEN,
    BROKEN + SIGNATURE.replace("DKIM", "ARC-Message"),
    SIGNATURE + CLEAN,
    BROKEN + SIGNATURE + "References:" + 50 * f" <{'y' * 80}@b.example>\n",
    "X-Other:" + 25 * f"\n {'z' * 80}" + "\n" + BROKEN,
):
    print(f"From a Sat Nov 21 11:20:30 2026\n{header}\nText.\n")
