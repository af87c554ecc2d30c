-- Who signs in again and again at SSH, FTP, HTTP or RDP?
--
-- The columns are those of all anomalies. One row a pair and port:
--   sensor, ts, end_ts      where, from when to when, seconds since the epoch
--   kind, severity          ssh_guessing, ftp_guessing, http_guessing, rdp_guessing; 1 is worst, 4 least
--   src, dst, dport, proto  who, to whom; null where they are many
--   count, score            how much; how far beyond the threshold, 0 to 1 (docs/anomalies.md)
--   detail                  in words
--   session_id              the first session of it: the way to the evidence
--
-- Parameters: pcap (captures), output (folder), window (seconds), ssh (least number of short sessions),
-- ftp (the same, without those that move a file), http (the same, of like size), rdp (the same, short).
%default pcap 'tests/captures/demo'
%default output 'output'
%default window 300
%default ssh 10
%default ftp 5
%default http 30
%default rdp 6

sessions = SESSIONS('$pcap', 'proto == \'tcp\'');
found = ANOMALY_GUESSING(sessions, '$window', '$ssh', '$ftp', '$http', '$rdp');
ordered = ORDER found BY ts, kind, src, dst, dport;
STORE ordered INTO '$output/guessing' USING PigStorage(',', '-schema');
