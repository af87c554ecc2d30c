-- Who talked to whom, over what, and when? (The demo.)
--
-- One row a client, server and service, most bytes first. The server is the side with the lower port.
--   first, last     first and last packet, UTC
--   client, server  addresses
--   service         protocol and port of the server
--   packets         packets in both directions
--   sent, received  bytes of IP from the client, and to it
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
known = FILTER packets BY sport IS NOT NULL AND dport IS NOT NULL AND ip_src IS NOT NULL;
sides = FOREACH known GENERATE
    ts,
    (sport >= dport ? ip_src : ip_dst) AS client,
    (sport >= dport ? ip_dst : ip_src) AS server,
    (sport >= dport ? dport : sport) AS port,
    ip_proto AS proto,
    (sport >= dport ? ip_total_length : 0) AS sent,
    (sport >= dport ? 0 : ip_total_length) AS received;
talks = GROUP sides BY (client, server, proto, port);
sums = FOREACH talks GENERATE
    MIN(sides.ts) AS first,
    MAX(sides.ts) AS last,
    group.client AS client,
    group.server AS server,
    CONCAT((group.proto == 6 ? 'tcp/' : (group.proto == 17 ? 'udp/' : 'other/')), (chararray) group.port) AS service,
    COUNT_STAR(sides) AS packets,
    SUM(sides.sent) AS sent,
    SUM(sides.received) AS received;
ordered = ORDER sums BY received DESC, sent DESC, client, server, service;
readable = FOREACH ordered GENERATE
    SUBSTRING(times.iso(first), 0, 19) AS first, SUBSTRING(times.iso(last), 0, 19) AS last, client .. received;
STORE readable INTO '$output/who_talked' USING PigStorage(',', '-schema');
