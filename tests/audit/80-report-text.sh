python3 data/week.py | "$AUDIT" report --top 4 -
