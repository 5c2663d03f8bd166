"$AUDIT" check data/broken.eml >/dev/full
