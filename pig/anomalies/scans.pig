-- Who tries many doors, and mostly in vain?
--
-- The columns are those of all anomalies. One row a source:
--   sensor, ts, end_ts      where, from when to when, seconds since the epoch
--   kind, severity          port_scan (many ports of a host) or host_scan (many hosts at a port); 1 is worst, 4 least
--   src, dst, dport, proto  who, to whom; null where they are many
--   count, score            how much; how far beyond the threshold, 0 to 1 (docs/anomalies.md)
--   detail                  in words
--   session_id              the first session of it: the way to the evidence
--
-- Parameters: pcap (captures), output (folder), window (seconds; 1e10: the whole archive, for slow
-- scans), ports (least number of ports in vain at one host), hosts (least number of hosts in vain at one port),
-- in_vain (least share of what was tried).
%default pcap 'tests/captures/demo'
%default output 'output'
%default window 3600
%default ports 25
%default hosts 25
%default in_vain 0.5

sessions = SESSIONS('$pcap', 'proto == \'tcp\' OR proto == \'udp\'');
found = ANOMALY_SCANS(sessions, '$window', '$ports', '$hosts', '$in_vain');
ordered = ORDER found BY ts, kind, src, dst, dport;
STORE ordered INTO '$output/scans' USING PigStorage(',', '-schema');
