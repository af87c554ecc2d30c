-- Which runs of three bytes is a protocol made of? (For the cube, whose axes are the three bytes.)
--
-- One row a run of $n bytes that is there, in the order of the bytes:
--   time     0, as the charts want it
--   traffic  the filter, as it was given
--   gram     the bytes as a number, the first byte the highest
--   count    times it is in transport payload
--
-- Parameters: pcap (captures), output (folder), filter (tcp, udp:53, …; empty for all payload), n (bytes, 1 to 4).
%default pcap 'tests/captures/demo'
%default output 'output'
%default filter ''
%default n 3

partial = LOAD '$pcap' USING NgramLoader('filter=$filter', 'n=$n');
grams = GROUP partial BY gram;
counts = FOREACH grams GENERATE 0 AS time, '$filter' AS traffic, group AS gram, SUM(partial.count) AS count;
ordered = ORDER counts BY gram;
STORE ordered INTO '$output/cube-ngram' USING PigStorage(',', '-schema');
