"$AUDIT" explain < data/bounce-line.txt
