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

volumes = LOAD '$pcap' USING VolumeLoader('time=$time');
bins = GROUP volumes BY (long) ts;
sums = FOREACH bins GENERATE
    group AS bin, SUM(volumes.tcp_bytes) AS tcp, SUM(volumes.udp_bytes) AS udp, SUM(volumes.ip_bytes) AS total;
ordered = ORDER sums BY bin;
STORE ordered INTO '$output/binning' USING PigStorage(',', '-schema');
