"$AUDIT" explain - < data/bounce-pasted.txt
