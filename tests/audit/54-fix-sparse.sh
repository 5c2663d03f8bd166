cp data/broken.eml big.eml; truncate -s 10G big.eml; (ulimit -f 1000; "$AUDIT" fix --in-place big.eml); echo "$?"; head -c 100 big.eml; ls -A | grep msgid-audit
