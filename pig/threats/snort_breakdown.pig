-- How many alerts of which severity are there over time?
--
-- One row a bin of time that has alerts:
--   bin                              its begin, seconds since the epoch
--   prio1, prio2, prio3, others      alerts of that priority (1 is worst), and of all lower ones
--
-- Parameters: pcap (captures), output (folder), time (seconds a bin), engine (snort, suricata, auto), rules (file or
-- folder; empty: our own).
%default pcap 'tests/captures/demo'
%default output 'output'
%default time 60
%default engine 'auto'
%default rules ''

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
marked = FOREACH alerts GENERATE
    (long) ts / $time * $time AS bin, (priority == 1 ? 1L : 0L) AS one, (priority == 2 ? 1L : 0L) AS two,
    (priority == 3 ? 1L : 0L) AS three, (priority IS NULL OR priority > 3 OR priority < 1 ? 1L : 0L) AS other;
bins = FOREACH (GROUP marked BY bin) GENERATE
    group AS bin, SUM(marked.one) AS prio1, SUM(marked.two) AS prio2, SUM(marked.three) AS prio3,
    SUM(marked.other) AS others;
ordered = ORDER bins BY bin;
STORE ordered INTO '$output/snort_breakdown' USING PigStorage(',', '-schema');
