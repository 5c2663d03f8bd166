"$AUDIT" explain data/bounce-relay-log.txt
