"$AUDIT" check --rule.encoded-word=off --rule.brackets fix --config=data/check.conf data/broken.eml; "$AUDIT" check --config=data/check.conf --rule.brackets=off --extra-field=X-Raw data/broken.eml
