-- Who sent how much to whom?
--
-- One row a pair of addresses, in this direction, most bytes first:
--   src, dst   addresses
--   packets    IP packets from src to dst
--   tcp_bytes  bytes of TCP payload in them
--   ip_bytes   bytes of IP, headers included
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_src IS NOT NULL;
sizes = FOREACH ip GENERATE
    ip_src AS src,
    ip_dst AS dst,
    (tcp_len IS NULL ? 0 : tcp_len) AS tcp,
    (ip_total_length IS NULL ? 0 : ip_total_length) AS total;
pairs = GROUP sizes BY (src, dst);
sums = FOREACH pairs GENERATE
    group.src AS src,
    group.dst AS dst,
    COUNT_STAR(sizes) AS packets,
    SUM(sizes.tcp) AS tcp_bytes,
    SUM(sizes.total) AS ip_bytes;
ordered = ORDER sums BY ip_bytes DESC, src, dst;
STORE ordered INTO '$output/src_dst_tuples' USING PigStorage(',', '-schema');
