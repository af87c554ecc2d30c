-- Who calls somebody again and again, as regularly as a clock?
--
-- One row a pair, most regular first; the first candidates for malware that calls home:
--   src, dst, dport, proto  who calls whom
--   calls                   sessions; of those that begin within a second one counts
--   interval                median time between calls, seconds
--   jitter                  median distance from that, seconds
--   score                   1 for a clock, 0 for chance
--   first, last             begin of the first and of the last, seconds since the epoch
--   bytes                   payload in both directions
--
-- Parameters: pcap (captures), output (folder), calls (least number), score (least).
%default pcap 'tests/captures/demo'
%default output 'output'
%default calls 10
%default score 0.5

sessions = SESSIONS('$pcap', 'proto == \'tcp\' OR proto == \'udp\'');
calls = FOREACH sessions GENERATE src, dst, dport, proto, ts, src_bytes + dst_bytes AS bytes;
pairs = GROUP calls BY (src, dst, dport, proto);
scored = FOREACH pairs GENERATE
    group.src AS src, group.dst AS dst, group.dport AS dport, group.proto AS proto,
    FLATTEN(sessions.regularity(calls.ts)) AS (calls, interval, jitter, score),
    MIN(calls.ts) AS first, MAX(calls.ts) AS last, SUM(calls.bytes) AS bytes;
regular = FILTER scored BY calls >= $calls AND score >= $score;
ordered = ORDER regular BY score DESC, calls DESC, src, dst, dport, proto;
STORE ordered INTO '$output/beacons' USING PigStorage(',', '-schema');
