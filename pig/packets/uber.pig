-- How many packets and bytes are there in all?
--
-- One row:
--   packets  packets of all kinds
--   bytes    bytes of IP, headers included
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

volumes = LOAD '$pcap' USING VolumeLoader('time=86400');
everything = GROUP volumes ALL;
sums = FOREACH everything GENERATE SUM(volumes.packets) AS packets, SUM(volumes.ip_bytes) AS bytes;
STORE sums INTO '$output/uber' USING PigStorage(',', '-schema');
