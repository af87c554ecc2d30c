-- How much did each internal host send out, day by day?
--
-- One row an internal host and day (UTC), most bytes first:
--   day        2024-03-07
--   host       internal address
--   sent       bytes of payload to the outside
--   received   bytes of payload from the outside
--   sessions   with the outside
--   receivers  outside addresses
--   largest    payload that one session carried out
--   receiver   of that session
--
-- Parameters: pcap (captures), output (folder), internal (networks, with commas).
%default pcap 'tests/captures/demo'
%default output 'output'
%default internal '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,2001:db8::/32'

sessions = SESSIONS('$pcap', 'src_bytes + dst_bytes > 0');
sides = FOREACH sessions GENERATE
    ts, src, dst, src_bytes, dst_bytes, net.in_network(src, '$internal') AS src_inside,
    net.in_network(dst, '$internal') AS dst_inside, net.is_multicast(dst) AS many;
across = FILTER sides BY (src_inside != dst_inside) AND NOT many;
out = FOREACH across GENERATE
    SUBSTRING(times.iso(ts), 0, 10) AS day,
    (src_inside ? src : dst) AS host, (src_inside ? dst : src) AS receiver,
    (src_inside ? src_bytes : dst_bytes) AS sent, (src_inside ? dst_bytes : src_bytes) AS received;
days = GROUP out BY (day, host);
sums = FOREACH days {
    receivers = DISTINCT out.receiver;
    by_size = ORDER out BY sent DESC, receiver;
    most = LIMIT by_size 1;
    GENERATE group.day AS day, group.host AS host, SUM(out.sent) AS sent, SUM(out.received) AS received,
        COUNT_STAR(out) AS sessions, COUNT(receivers) AS receivers,
        FLATTEN(most.(sent, receiver)) AS (largest, receiver);
};
ordered = ORDER sums BY sent DESC, day, host;
STORE ordered INTO '$output/exfiltration' USING PigStorage(',', '-schema');
