"$AUDIT" report --format json data/trail-hostile.jsonl
