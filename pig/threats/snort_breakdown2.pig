-- Which attacks were there in each stretch of time?
--
-- One row a bin of time and a rule:
--   bin           its begin, seconds since the epoch
--   priority      1 is worst
--   sig           the rule, as gid_sid
--   message       what it says
--   total         alerts
--   sources, targets   addresses that the packets came from, and went to
--
-- Parameters: pcap (captures), output (folder), time (seconds a bin), engine (snort, suricata, auto), rules (file or
-- folder; empty: our own).
%default pcap 'tests/captures/demo'
%default output 'output'
%default time 3600
%default engine 'auto'
%default rules ''

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
marked = FOREACH alerts GENERATE
    (long) ts / $time * $time AS bin, priority, CONCAT((chararray) gid, '_', (chararray) sid) AS sig, message, src, dst;
bins = FOREACH (GROUP marked BY (bin, priority, sig, message)) {
    sources = DISTINCT marked.src;
    targets = DISTINCT marked.dst;
    GENERATE FLATTEN(group) AS (bin, priority, sig, message), COUNT_STAR(marked) AS total,
        COUNT_STAR(sources) AS sources, COUNT_STAR(targets) AS targets;
};
ordered = ORDER bins BY bin, priority, sig;
STORE ordered INTO '$output/snort_breakdown2' USING PigStorage('\t', '-schema');
