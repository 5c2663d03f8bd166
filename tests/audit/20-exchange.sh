"$AUDIT" check data/fields.eml; echo $?; "$AUDIT" check --exchange=off data/fields.eml; echo $?; "$AUDIT" check --exchange-header-size=1024 --format=json data/fields.eml
