"$AUDIT" fix data/broken.eml
