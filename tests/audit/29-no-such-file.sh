"$AUDIT" check data/none data/clean.eml /proc/self/mem
