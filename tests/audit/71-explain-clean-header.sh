"$AUDIT" explain data/bounce-clean-header.eml
