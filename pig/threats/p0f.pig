-- Which operating systems are behind the alerts?
--
-- One row a rule and a pair of hosts:
--   priority, gid, sid, message   the rule
--   src, dst                      from where to where the packets went that it saw
--   alerts                        how many
--   src_os, dst_os                what p0f thinks of both, several with |; where it knows none, its most frequent
--                                 signature of TCP; empty: it has seen no connection begin
--
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder; empty: our own).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
pairs = FOREACH (GROUP alerts BY (priority, gid, sid, message, src, dst)) GENERATE
    FLATTEN(group) AS (priority, gid, sid, message, src, dst), COUNT_STAR(alerts) AS alerts;

records = LOAD '$pcap' USING FingerprintLoader();
systems = SYSTEMS(records);
first = JOIN pairs BY src LEFT OUTER, systems BY host;
senders = FOREACH first GENERATE
    priority AS priority, gid AS gid, sid AS sid, message AS message, src AS src, dst AS dst, alerts AS alerts,
    systems::os AS src_os;
second = JOIN senders BY dst LEFT OUTER, systems BY host;
rows = FOREACH second GENERATE
    priority AS priority, gid AS gid, sid AS sid, message AS message, src AS src, dst AS dst, alerts AS alerts,
    src_os AS src_os, systems::os AS dst_os;
ordered = ORDER rows BY priority, alerts DESC, gid, sid, src, dst;
STORE ordered INTO '$output/p0f' USING PigStorage('\t', '-schema');
