"$AUDIT" explain data/bounce-charset.eml
