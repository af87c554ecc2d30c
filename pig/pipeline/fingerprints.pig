-- What does p0f learn of hosts from the window's packets: system, program, distance, uptime?
-- Parameters: captures (a list of captures), warm (seconds: when p0f begins), start, end (seconds), output.
found        = LOAD '$captures' USING FingerprintLoader('start=$warm', 'end=$end');
fingerprints = FILTER found BY ts >= (double) $start AND ts < (double) $end;
STORE fingerprints INTO '$output/fingerprints' USING ParquetStorer();
