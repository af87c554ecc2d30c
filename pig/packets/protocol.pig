-- Who sends how many packets, and how much of TCP?
--
-- One row a source address, most bytes first:
--   src      the address
--   packets  IP packets that it sent
--   bytes    bytes of TCP payload in them
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_src IS NOT NULL;
sizes = FOREACH ip GENERATE ip_src AS src, (tcp_len IS NULL ? 0 : tcp_len) AS bytes;
by_src = GROUP sizes BY src;
sums = FOREACH by_src GENERATE group AS src, COUNT_STAR(sizes) AS packets, SUM(sizes.bytes) AS bytes;
ordered = ORDER sums BY bytes DESC, packets DESC, src;
STORE ordered INTO '$output/protocol' USING PigStorage(',', '-schema');
