-- How many bytes did each conversation carry, over time?
--
-- One row a session and bin of $time seconds, in time order:
--   bin         begin of the bin, seconds since the epoch
--   src, sport  the side that opened
--   dst, dport  the other side
--   proto       protocol
--   packets     in both directions
--   bytes       of IP in both directions, headers included
--
-- Parameters: pcap (captures), output (folder), time (seconds).
%default pcap 'tests/captures/demo'
%default output 'output'
%default time 60

sessions = SESSIONS('$pcap', 'true');
loaded = LOAD '$pcap' USING PacketLoader();
packets = FOREACH loaded GENERATE sensor, ts, community_id, ip_total_length;
talk = FILTER packets BY community_id IS NOT NULL;
joined = WITH_SESSION(talk, sessions);
within = FILTER joined BY session_id IS NOT NULL;
binned = FOREACH within GENERATE
    (long) (ts / $time) * $time AS bin, session_id, src, sport, dst, dport, proto, ip_total_length;
bins = GROUP binned BY (bin, session_id, src, sport, dst, dport, proto);
sums = FOREACH bins GENERATE
    group.bin AS bin, group.src AS src, group.sport AS sport, group.dst AS dst, group.dport AS dport,
    group.proto AS proto, COUNT_STAR(binned) AS packets, SUM(binned.ip_total_length) AS bytes;
ordered = ORDER sums BY bin, src, sport, dst, dport, proto, packets, bytes;
STORE ordered INTO '$output/conversations' USING PigStorage(',', '-schema');
