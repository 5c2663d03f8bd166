"$AUDIT" explain data/bounce-html-only.eml
