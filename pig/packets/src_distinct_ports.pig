-- Who sends to how many ports? (Port scans reach many.)
--
-- One row a source address, most ports first:
--   src    the address
--   ports  different ports that it sent TCP and UDP to, with spaces between them
--   count  how many they are
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
known = FILTER packets BY ip_src IS NOT NULL AND dport IS NOT NULL AND (ip_proto == 6 OR ip_proto == 17);
pairs = FOREACH known GENERATE ip_src AS src, dport AS port;
different = DISTINCT pairs;
by_src = GROUP different BY src;
counts = FOREACH by_src {
    ports = ORDER different BY port;
    GENERATE group AS src, BagToString(ports.port, ' ') AS ports, COUNT_STAR(different) AS count;
};
ordered = ORDER counts BY count DESC, src;
STORE ordered INTO '$output/src_distinct_ports' USING PigStorage(',', '-schema');
