"$AUDIT" check --format=json data/clean.eml data/broken.eml data/four.mbox; "$AUDIT" check --format=json - <"$CORPUS/46-signed.eml"
