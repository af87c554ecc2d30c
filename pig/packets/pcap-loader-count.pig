-- How many packets are there? (The least that a script can do: it measures how fast captures are read.)
--
-- One row:
--   packets  packets of all kinds
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
everything = GROUP packets ALL;
counts = FOREACH everything GENERATE COUNT_STAR(packets) AS packets;
STORE counts INTO '$output/pcap-loader-count' USING PigStorage(',', '-schema');
