"$AUDIT" explain data/bounce-user-unknown.eml
