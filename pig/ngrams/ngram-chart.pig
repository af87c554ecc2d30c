-- Which bytes are all payload, and that of HTTP, HTTPS, SSH, DNS and SMTP, made of? (For the charts; one scan.)
--
-- A result a chart (0-all, 1-http, 2-https, 3-ssh, 4-dns, 5-smtp), with one row a byte that is there, in order:
--   time     0, as the charts want it
--   traffic  any, tcp:80, tcp:443, tcp:22, udp:53 or tcp:25
--   gram     the byte
--   count    times it is in transport payload
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

partial = LOAD '$pcap' USING NgramLoader('n=1', 'filter=any,tcp:80,tcp:443,tcp:22,udp:53,tcp:25');
kinds = FOREACH partial GENERATE $3 AS kind, gram, count;
grams = GROUP kinds BY (kind, gram);
counts = FOREACH grams GENERATE 0 AS time, group.kind AS traffic, group.gram AS gram, SUM(kinds.count) AS count;
ordered = ORDER counts BY traffic, gram;
SPLIT ordered INTO
    all_payload IF traffic == 'any',
    http IF traffic == 'tcp:80',
    https IF traffic == 'tcp:443',
    ssh IF traffic == 'tcp:22',
    dns IF traffic == 'udp:53',
    smtp IF traffic == 'tcp:25';
STORE all_payload INTO '$output/ngram-chart/0-all' USING PigStorage(',', '-schema');
STORE http INTO '$output/ngram-chart/1-http' USING PigStorage(',', '-schema');
STORE https INTO '$output/ngram-chart/2-https' USING PigStorage(',', '-schema');
STORE ssh INTO '$output/ngram-chart/3-ssh' USING PigStorage(',', '-schema');
STORE dns INTO '$output/ngram-chart/4-dns' USING PigStorage(',', '-schema');
STORE smtp INTO '$output/ngram-chart/5-smtp' USING PigStorage(',', '-schema');
