"$AUDIT" check --config=data/check.conf data/broken.eml; echo $?; "$AUDIT" check --config data/check.conf data/fields.eml
