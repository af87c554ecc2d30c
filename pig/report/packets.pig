-- How much came by over time, by protocol, and who talked most?
-- Parameters: packets (table), step (seconds of a bin), output.
packets  = LOAD '$packets' USING ParquetLoader();
binned   = FOREACH packets GENERATE
    (double) ((long) (ts / $step) * (long) $step) AS ts,
    (ip_proto IS NULL ? 'not IP' : (ip_proto == 6 ? 'tcp' : (ip_proto == 17 ? 'udp' : (ip_proto == 1 ? 'icmp' :
        (ip_proto == 58 ? 'icmp6' : (ip_proto == 132 ? 'sctp' : (chararray) ip_proto)))))) AS protocol,
    sent_packets, sent_bytes;
bins     = GROUP binned BY (ts, protocol);
traffic  = FOREACH bins GENERATE FLATTEN(group) AS (ts, protocol), SUM(binned.sent_packets) AS packets, SUM(binned.sent_bytes) AS bytes;
-- a packet counts once for the traffic, and for each of the two who talked
named    = FILTER packets BY host IS NOT NULL;
parts    = FOREACH named GENERATE host, sent_packets + received_packets AS packets, sent_bytes + received_bytes AS bytes;
hosts    = GROUP parts BY host;
totals   = FOREACH hosts GENERATE group AS host, SUM(parts.packets) AS packets, SUM(parts.bytes) AS bytes;
STORE traffic INTO '$output/traffic' USING ParquetStorer();
STORE totals INTO '$output/talkers' USING ParquetStorer();
