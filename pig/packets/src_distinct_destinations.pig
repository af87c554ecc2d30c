-- Who sends to how many addresses? (Scans and worms reach many.)
--
-- One row a source address, most destinations first:
--   src           the address
--   destinations  different addresses that it sent IP packets to
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_src IS NOT NULL;
pairs = FOREACH ip GENERATE ip_src AS src, ip_dst AS dst;
different = DISTINCT pairs;
by_src = GROUP different BY src;
counts = FOREACH by_src GENERATE group AS src, COUNT_STAR(different) AS destinations;
ordered = ORDER counts BY destinations DESC, src;
STORE ordered INTO '$output/src_distinct_destinations' USING PigStorage(',', '-schema');
