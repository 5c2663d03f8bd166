"$AUDIT" check data/text.txt; echo $?; "$AUDIT" check - <data/text.txt
