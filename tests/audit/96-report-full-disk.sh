"$AUDIT" report data/trail-hostile.jsonl > /dev/full
