"$AUDIT" report data/trail-hostile.jsonl
