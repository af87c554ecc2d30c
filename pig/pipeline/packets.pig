-- What did each host send and receive in each minute of the window, by protocol?
-- Parameters: captures (a list of captures), start, end (seconds), output.
volumes  = LOAD '$captures' USING VolumeLoader('time=60', 'by=ip_proto,ip_src,ip_dst', 'packets=ts >= $start AND ts < $end');
-- one FOREACH for both directions: two branches with a UNION would read the captures twice
both     = FOREACH volumes GENERATE sensor, ts, ip_proto, FLATTEN(TOBAG(
        TOTUPLE('sent', ip_src, packets, bytes, 0L, 0L), TOTUPLE('received', ip_dst, 0L, 0L, packets, bytes)))
    AS (direction:chararray, host:chararray, sent_packets:long, sent_bytes:long, received_packets:long, received_bytes:long);
named    = FILTER both BY host IS NOT NULL OR direction == 'sent';
groups   = GROUP named BY (sensor, ts, ip_proto, host);
packets  = FOREACH groups GENERATE
    FLATTEN(group) AS (sensor, ts, ip_proto, host), SUM(named.sent_packets) AS sent_packets, SUM(named.sent_bytes) AS sent_bytes,
    SUM(named.received_packets) AS received_packets, SUM(named.received_bytes) AS received_bytes;
STORE packets INTO '$output/packets' USING ParquetStorer();
