python3 data/week.py | gzip -n | head -c 60000 > cut.gz; head -c 10 cut.gz > stub.gz; "$AUDIT" report --top 1 cut.gz | head -n 12; "$AUDIT" report stub.gz; echo $?
