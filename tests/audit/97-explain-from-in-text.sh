# A line that begins with "From " is text where no message begins: the bounce was cut there, before what it is about.
"$AUDIT" explain <<'END'
From MAILER-DAEMON Sun Nov 22 10:00:00 2026
From: MAILER-DAEMON@example.com
To: app@example.com
Subject: Undelivered Mail Returned to Sender

Your message could not be delivered.

From the server mx.example.com:

  554 5.6.0 Corrupt message content
END
