"$AUDIT" check <data/broken.eml; "$AUDIT" check data/clean.eml - <data/four.mbox
