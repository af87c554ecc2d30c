-- Which rules gave alerts, how often, and between whom? (An example to begin with; snort has every alert.)
--
-- One row a rule and a pair of hosts, the worst and most frequent first:
--   priority         1 is worst
--   gid, sid         the rule
--   message          what it says
--   src, dst         from where to where the packets went that it saw
--   alerts           how many
--   first, last      when, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder; empty: our own).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
pairs = FOREACH (GROUP alerts BY (priority, gid, sid, message, src, dst)) GENERATE
    FLATTEN(group) AS (priority, gid, sid, message, src, dst), COUNT_STAR(alerts) AS alerts,
    (bigdecimal) MIN(alerts.ts) AS first, (bigdecimal) MAX(alerts.ts) AS last;
ordered = ORDER pairs BY priority, alerts DESC, gid, sid, src, dst;
STORE ordered INTO '$output/basic_snort' USING PigStorage('\t', '-schema');
