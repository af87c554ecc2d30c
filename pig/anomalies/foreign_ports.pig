-- Which protocols are spoken at ports that are not theirs?
--
-- The columns are those of all anomalies. One row a server, port and protocol, which detail names:
--   sensor, ts, end_ts      where, from when to when, seconds since the epoch
--   kind, severity          foreign_port; 1 is worst, 4 least
--   src, dst, dport, proto  who, to whom; null where they are many
--   count, score            how much; how far beyond the threshold, 0 to 1 (docs/anomalies.md)
--   detail                  in words
--   session_id              the first session of it: the way to the evidence
--
-- Parameters: pcap (captures), output (folder), times (least number of sessions).
%default pcap 'tests/captures/demo'
%default output 'output'
%default times 1

sessions = SESSIONS('$pcap', 'service IS NOT NULL');
found = ANOMALY_FOREIGN_PORTS(sessions, '$times');
ordered = ORDER found BY ts, kind, src, dst, dport;
STORE ordered INTO '$output/foreign_ports' USING PigStorage(',', '-schema');
