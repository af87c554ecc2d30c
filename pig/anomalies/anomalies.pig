-- What is not as it should be, without any signature?
--
-- All anomalies of pig/anomalies in one table, with the thresholds that those scripts have; in time order:
--   sensor, ts, end_ts      where, from when to when, seconds since the epoch
--   kind, severity          port_scan, host_scan, syn_flood, udp_flood, icmp_flood, ssh_guessing, ftp_guessing,
--                           http_guessing, rdp_guessing, beacon, foreign_port, first_port, dns_tunnel; 1 is worst, 4 least
--   src, dst, dport, proto  who, to whom; null where they are many
--   count, score            how much; how far beyond the threshold, 0 to 1 (docs/anomalies.md)
--   detail                  in words
--   session_id              the first session of it: the way to the evidence
--
-- Parameters: pcap (captures), output (folder), internal (networks of ours, with commas).
%default pcap 'tests/captures/demo'
%default output 'output'
%default internal '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,2001:db8::/32'

sessions = SESSIONS('$pcap', 'true');
dns = LOAD '$pcap' USING DnsLoader();
found = ANOMALIES(sessions, dns, '$internal');
ordered = ORDER found BY ts, kind, src, dst, dport;
STORE ordered INTO '$output/anomalies' USING PigStorage(',', '-schema');
