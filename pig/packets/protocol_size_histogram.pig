-- How much traffic does each port have, in both directions?
--
-- One row a port of TCP and of UDP, most bytes first; a packet counts for both of its ports:
--   port   the port, of the sender or the receiver
--   bytes  bytes of IP, headers included
--   proto  6 for TCP, 17 for UDP
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

volumes = LOAD '$pcap' USING VolumeLoader('by=ip_proto,sport,dport', 'time=86400');
known = FILTER volumes BY sport IS NOT NULL AND dport IS NOT NULL AND (ip_proto == 6 OR ip_proto == 17);
sides = FOREACH known GENERATE
    ip_proto AS proto, FLATTEN((sport == dport ? TOBAG(sport) : TOBAG(sport, dport))) AS port:int, ip_bytes AS bytes;
by_port = GROUP sides BY (proto, port);
sums = FOREACH by_port GENERATE group.port AS port, SUM(sides.bytes) AS bytes, group.proto AS proto;
ordered = ORDER sums BY bytes DESC, port, proto;
STORE ordered INTO '$output/protocol_size_histogram' USING PigStorage(',', '-schema');
