"$AUDIT" check data/Maildir
