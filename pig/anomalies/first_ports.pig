-- Which host was the first of all to use a port, long after it was first seen itself?
--
-- The columns are those of all anomalies. One row a port: a host of ours that answers at it, or calls it outside:
--   sensor, ts, end_ts      where, from when to when, seconds since the epoch
--   kind, severity          first_port; 1 is worst, 4 least
--   src, dst, dport, proto  who, to whom; null where they are many
--   count, score            how much; how far beyond the threshold, 0 to 1 (docs/anomalies.md)
--   detail                  in words
--   session_id              the first session of it: the way to the evidence
--
-- Parameters: pcap (captures), output (folder), internal (networks of ours, with commas), learn (seconds that a
-- host has to be known before), below (ports from there on are chance's).
%default pcap 'tests/captures/demo'
%default output 'output'
%default internal '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,2001:db8::/32'
%default learn 129600
%default below 32768

sessions = SESSIONS('$pcap', 'proto == \'tcp\' OR proto == \'udp\'');
found = ANOMALY_FIRST_PORTS(sessions, '$internal', '$learn', '$below');
ordered = ORDER found BY ts, kind, src, dst, dport;
STORE ordered INTO '$output/first_ports' USING PigStorage(',', '-schema');
