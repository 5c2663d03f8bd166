yes "550 5.1.1 user unknown" | "$AUDIT" explain
