-- How much bandwidth was used over time?
--
-- One row a bin of $time seconds, in time order:
--   bin    begin of the bin, seconds since the epoch
--   bytes  bytes of IP, headers included
--
-- Parameters: pcap (captures), output (folder), time (seconds).
%default pcap 'tests/captures/demo'
%default output 'output'
%default time 60

packets = LOAD '$pcap' USING PacketLoader();
sizes = FOREACH packets GENERATE
    (long) ts / $time * $time AS bin,
    (ip_total_length IS NULL ? 0 : ip_total_length) AS bytes;
bins = GROUP sizes BY bin;
sums = FOREACH bins GENERATE group AS bin, SUM(sizes.bytes) AS bytes;
ordered = ORDER sums BY bin;
STORE ordered INTO '$output/bandwidth' USING PigStorage(',', '-schema');
