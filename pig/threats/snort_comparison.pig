-- What do new rules see in old traffic that the old rules did not?
--
-- Only rules that are new or changed are run, with what they depend on (bits, variables, filters). Of what changed rules
-- see, what they saw before as well is left out. One row a rule, the worst and most frequent first:
--   priority, gid, sid, rev, message, classification   the rule
--   total               alerts that are new
--   first, last         when, seconds since the epoch
--   sources, targets    how many addresses the packets came from, and went to
--   attackers, victims  the first of them, up to 20, with |
--   sensors             where, with |
--
-- Parameters: pcap (captures), output (folder), old, new (files or folders of rules), engine (snort, suricata, auto).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default old 'tests/captures/rules/old.rules'
%default new 'tests/captures/rules/new.rules'

now = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$new', 'since=$old');
before = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$old', 'until=$new');
seen = FOREACH before GENERATE sensor, ts, proto, src, (sport IS NULL ? -1 : sport) AS sport, dst,
    (dport IS NULL ? -1 : dport) AS dport, gid, sid;
sees = FOREACH now GENERATE sensor, ts, proto, src, (sport IS NULL ? -1 : sport) AS sport, dst,
    (dport IS NULL ? -1 : dport) AS dport, gid, sid, rev, priority, classification, message;
same = COGROUP sees BY (sensor, ts, proto, src, sport, dst, dport, gid, sid),
    seen BY (sensor, ts, proto, src, sport, dst, dport, gid, sid);
unseen = FILTER same BY IsEmpty(seen);
alerts = FOREACH unseen GENERATE FLATTEN(sees);
rows = FOREACH (GROUP alerts BY (priority, gid, sid, rev, message, classification)) {
    all_sources = DISTINCT alerts.src;
    ordered_sources = ORDER all_sources BY src;
    some_sources = LIMIT ordered_sources 20;
    all_targets = DISTINCT alerts.dst;
    ordered_targets = ORDER all_targets BY dst;
    some_targets = LIMIT ordered_targets 20;
    all_sensors = DISTINCT alerts.sensor;
    ordered_sensors = ORDER all_sensors BY sensor;
    GENERATE FLATTEN(group) AS (priority, gid, sid, rev, message, classification), COUNT_STAR(alerts) AS total,
        (bigdecimal) MIN(alerts.ts) AS first, (bigdecimal) MAX(alerts.ts) AS last,
        COUNT_STAR(all_sources) AS sources, COUNT_STAR(all_targets) AS targets,
        BagToString(some_sources, '|') AS attackers, BagToString(some_targets, '|') AS victims,
        BagToString(ordered_sensors, '|') AS sensors;
};
ordered = ORDER rows BY priority, total DESC, gid, sid;
STORE ordered INTO '$output/snort_comparison' USING PigStorage('\t', '-schema');
