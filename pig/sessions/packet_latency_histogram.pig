-- How long is it from one packet of a conversation to the next?
--
-- One row a millisecond, shortest first, of TCP:
--   ms     gap, whole milliseconds
--   count  gaps of that length
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

sessions = LOAD '$pcap' USING SessionLoader();
tcp = FILTER sessions BY proto == 'tcp';
gaps = FOREACH tcp GENERATE FLATTEN(intervals) AS gap;
lengths = FOREACH gaps GENERATE (long) (gap * 1000) AS ms;
by_length = GROUP lengths BY ms;
counts = FOREACH by_length GENERATE group AS ms, COUNT_STAR(lengths) AS count;
ordered = ORDER counts BY ms;
STORE ordered INTO '$output/packet_latency_histogram' USING PigStorage(',', '-schema');
