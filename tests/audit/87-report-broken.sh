"$AUDIT" report data/trail-broken.jsonl
