"$AUDIT" explain data/bounce-quoted.txt
