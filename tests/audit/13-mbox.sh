"$AUDIT" check data/four.mbox
