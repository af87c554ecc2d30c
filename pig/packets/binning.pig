-- How much traffic was there over time, by protocol?
--
-- One row a bin of $time seconds, in time order:
--   bin    begin of the bin, seconds since the epoch
--   tcp    bytes of TCP payload
--   udp    bytes of UDP, headers included
--   total  bytes of IP, headers included
--
-- Parameters: pcap (captures), output (folder), time (seconds).
%default pcap 'tests/captures/demo'
%default output 'output'
%default time 60

packets = LOAD '$pcap' USING PacketLoader();
sizes = FOREACH packets GENERATE
    (long) ts / $time * $time AS bin,
    (tcp_len IS NULL ? 0 : tcp_len) AS tcp,
    (udp_len IS NULL ? 0 : udp_len) AS udp,
    (ip_total_length IS NULL ? 0 : ip_total_length) AS total;
bins = GROUP sizes BY bin;
sums = FOREACH bins GENERATE group AS bin, SUM(sizes.tcp) AS tcp, SUM(sizes.udp) AS udp, SUM(sizes.total) AS total;
ordered = ORDER sums BY bin;
STORE ordered INTO '$output/binning' USING PigStorage(',', '-schema');
