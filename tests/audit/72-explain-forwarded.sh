"$AUDIT" explain data/bounce-forwarded.eml
