"$AUDIT" check data/binary data/broken.eml --format=json
