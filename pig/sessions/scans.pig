-- Who tries many doors?
--
-- One row a source that tried $targets pairs of address and port or more, and mostly in vain; most first:
--   src          who tries
--   targets      pairs of address and port
--   hosts        addresses tried
--   ports        ports tried
--   in_vain      share of TCP sessions without a conversation: refused, unanswered, or reset
--   first, last  begin of the first and of the last session, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder), targets (least number), in_vain (least share).
%default pcap 'tests/captures/demo'
%default output 'output'
%default targets 20
%default in_vain 0.5

sessions = SESSIONS('$pcap', 'proto == \'tcp\'');
tries = FOREACH sessions GENERATE
    src, dst, dport, ts,
    (src_bytes + dst_bytes == 0 OR state == 'S0' OR state == 'REJ' OR state == 'RSTOS0' OR state == 'SH' ? 1.0 : 0.0) AS vain;
sources = GROUP tries BY src;
counted = FOREACH sources {
    targets = DISTINCT tries.(dst, dport);
    hosts = DISTINCT tries.dst;
    ports = DISTINCT tries.dport;
    GENERATE group AS src, COUNT_STAR(targets) AS targets, COUNT(hosts) AS hosts, COUNT(ports) AS ports,
        AVG(tries.vain) AS in_vain, MIN(tries.ts) AS first, MAX(tries.ts) AS last;
};
scans = FILTER counted BY targets >= $targets AND in_vain >= $in_vain;
ordered = ORDER scans BY targets DESC, src;
STORE ordered INTO '$output/scans' USING PigStorage(',', '-schema');
