"$AUDIT" check data/broken.eml
