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

volumes = LOAD '$pcap' USING VolumeLoader('time=$time');
bins = GROUP volumes BY (long) ts;
sums = FOREACH bins GENERATE group AS bin, SUM(volumes.ip_bytes) AS bytes;
ordered = ORDER sums BY bin;
STORE ordered INTO '$output/bandwidth' USING PigStorage(',', '-schema');
