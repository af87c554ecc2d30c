-- How many packets are there, how large are they together, and from when to when?
--
-- One row:
--   packets      packets of all kinds
--   bytes        bytes of their frames on the wire
--   first, last  first and last packet, UTC
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
everything = GROUP packets ALL;
sums = FOREACH everything GENERATE
    COUNT_STAR(packets) AS packets,
    SUM(packets.length) AS bytes,
    times.iso(MIN(packets.ts)) AS first,
    times.iso(MAX(packets.ts)) AS last;
STORE sums INTO '$output/basic_summary' USING PigStorage(',', '-schema');
