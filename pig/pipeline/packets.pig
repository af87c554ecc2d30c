-- What did each host send and receive in each minute of the window, by protocol?
-- Parameters: captures (a list of captures), start, end (seconds), output.
volumes  = LOAD '$captures' USING VolumeLoader('time=60', 'by=ip_proto,ip_src,ip_dst', 'packets=ts >= $start AND ts < $end');
sent     = FOREACH volumes GENERATE
    sensor, ts, ip_proto, ip_src AS host, packets AS sent_packets, bytes AS sent_bytes, 0L AS received_packets, 0L AS received_bytes;
received = FOREACH volumes GENERATE
    sensor, ts, ip_proto, ip_dst AS host, 0L AS sent_packets, 0L AS sent_bytes, packets AS received_packets, bytes AS received_bytes;
named    = FILTER received BY host IS NOT NULL;
both     = UNION sent, named;
groups   = GROUP both BY (sensor, ts, ip_proto, host);
packets  = FOREACH groups GENERATE
    FLATTEN(group) AS (sensor, ts, ip_proto, host), SUM(both.sent_packets) AS sent_packets, SUM(both.sent_bytes) AS sent_bytes,
    SUM(both.received_packets) AS received_packets, SUM(both.received_bytes) AS received_bytes;
STORE packets INTO '$output/packets' USING ParquetStorer();
