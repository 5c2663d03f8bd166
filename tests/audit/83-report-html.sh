"$AUDIT" report --format=html data/trail-hostile.jsonl | sed "/<style>/,/<\/style>/d"
