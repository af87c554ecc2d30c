-- Which ports are the busiest?
--
-- One row a destination port of TCP and of UDP, most bytes first:
--   dport    port that packets went to
--   packets  packets that went there
--   bytes    bytes of payload in them
--   proto    6 for TCP, 17 for UDP
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
known = FILTER packets BY dport IS NOT NULL AND (ip_proto == 6 OR ip_proto == 17);
sizes = FOREACH known GENERATE
    ip_proto AS proto,
    dport,
    (ip_proto == 6 ? (tcp_len IS NULL ? 0 : tcp_len) : (udp_len > 8 ? udp_len - 8 : 0)) AS bytes;
by_port = GROUP sizes BY (proto, dport);
sums = FOREACH by_port GENERATE
    group.dport AS dport, COUNT_STAR(sizes) AS packets, SUM(sizes.bytes) AS bytes, group.proto AS proto;
ordered = ORDER sums BY bytes DESC, packets DESC, dport, proto;
STORE ordered INTO '$output/ports_ordered_sum' USING PigStorage(',', '-schema');
