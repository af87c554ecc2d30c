-- Which attacks does an IDS see in the captures?
--
-- One row an alert, by time, with all columns of SnortLoader (`bin/packetpig describe snort`).
--
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, or auto: what is installed, Snort first), rules
-- (file or folder; empty: Packetpig's own).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
whole = FOREACH alerts GENERATE sensor, capture, (bigdecimal) ts AS ts, community_id .. message;
ordered = ORDER whole BY ts, gid, sid, src, sport, dst, dport;
STORE ordered INTO '$output/snort' USING PigStorage('\t', '-schema');
