"$AUDIT" fix data/broken.eml --output=out.eml; echo "$?"; cat out.eml; "$AUDIT" fix data/broken.eml -o /dev/stdout | cmp - out.eml
