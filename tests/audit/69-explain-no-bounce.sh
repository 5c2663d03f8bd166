"$AUDIT" explain data/bounce-none.eml
