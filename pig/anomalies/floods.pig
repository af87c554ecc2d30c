-- Who is sent far more packets than are answered?
--
-- The columns are those of all anomalies. One row a target:
--   sensor, ts, end_ts      where, from when to when, seconds since the epoch
--   kind, severity          syn_flood, udp_flood, icmp_flood; 1 is worst, 4 least
--   src, dst, dport, proto  who, to whom; null where they are many
--   count, score            how much; how far beyond the threshold, 0 to 1 (docs/anomalies.md)
--   detail                  in words
--   session_id              the first session of it: the way to the evidence
--
-- Parameters: pcap (captures), output (folder), syn (attempts a second at one
-- port), udp (packets a second), icmp (packets a second; all of them over ten seconds).
%default pcap 'tests/captures/demo'
%default output 'output'
%default syn 50
%default udp 500
%default icmp 100

sessions = SESSIONS('$pcap', 'true');
found = ANOMALY_FLOODS(sessions, '$syn', '$udp', '$icmp');
ordered = ORDER found BY ts, kind, src, dst, dport;
STORE ordered INTO '$output/floods' USING PigStorage(',', '-schema');
