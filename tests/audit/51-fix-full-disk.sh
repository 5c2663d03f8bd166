"$AUDIT" fix data/broken.eml >/dev/full; echo "$?"; "$AUDIT" fix data/broken.eml -o /dev/full
