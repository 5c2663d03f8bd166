"$AUDIT" report --format=csv data/trail-hostile.jsonl
