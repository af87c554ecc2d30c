-- Who calls somebody again and again, as regularly as a clock?
--
-- The columns are those of all anomalies. One row a pair and port; score is 1 for a clock, 0 for chance:
--   sensor, ts, end_ts      where, from when to when, seconds since the epoch
--   kind, severity          beacon; 1 is worst, 4 least
--   src, dst, dport, proto  who, to whom; null where they are many
--   count, score            how much; how far beyond the threshold, 0 to 1 (docs/anomalies.md)
--   detail                  in words
--   session_id              the first session of it: the way to the evidence
--
-- Parameters: pcap (captures), output (folder), calls (least number; of sessions that begin within a second one
-- counts), score (least score).
%default pcap 'tests/captures/demo'
%default output 'output'
%default calls 30
%default score 0.8

sessions = SESSIONS('$pcap', 'proto == \'tcp\' OR proto == \'udp\'');
found = ANOMALY_BEACONS(sessions, '$calls', '$score');
ordered = ORDER found BY ts, kind, src, dst, dport;
STORE ordered INTO '$output/beacons' USING PigStorage(',', '-schema');
