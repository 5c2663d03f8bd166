"$AUDIT" explain data/bounce-exchange-online.eml
