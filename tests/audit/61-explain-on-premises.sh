"$AUDIT" explain data/bounce-on-premises.eml
