"$AUDIT" explain data/bounce-postfix.eml
