"$AUDIT" check data/clean.eml "$CORPUS"/36-brackets-fix.eml data/broken.eml data/clean.eml | sed "s:$CORPUS:CORPUS:"; exit "${PIPESTATUS[0]}"
