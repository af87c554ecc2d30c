-- Which programs do the hosts use that opened sessions with alerts?
--
-- One row a user agent and a host, the most requests first:
--   user_agent       as the program calls itself
--   client           the host that asked
--   requests         its requests with that user agent, with and without alerts
--   alerts           alerts in sessions that this host opened, with whatever program
--   priority         the worst of them; 1 is worst
--   first, last      when it asked so, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder; empty: our own),
-- priority (alerts up to this one count).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''
%default priority 3

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
bad = FILTER alerts BY priority <= $priority;
opened = FOREACH bad GENERATE (client IS NULL ? src : client) AS host, priority;
hosts = FOREACH (GROUP opened BY host) GENERATE group AS host, COUNT_STAR(opened) AS alerts, MIN(opened.priority) AS worst;

exchanges = LOAD '$pcap' USING HttpLoader('where=method IS NOT NULL');
asked = FOREACH exchanges GENERATE src, user_agent, ts;
agents = FOREACH (GROUP asked BY (src, user_agent)) GENERATE
    FLATTEN(group) AS (src, user_agent), COUNT_STAR(asked) AS requests, MIN(asked.ts) AS first, MAX(asked.ts) AS last;
joined = JOIN agents BY src, hosts BY host;
rows = FOREACH joined GENERATE
    user_agent AS user_agent, src AS client, requests AS requests, alerts AS alerts, worst AS priority,
    (bigdecimal) first AS first, (bigdecimal) last AS last;
ordered = ORDER rows BY requests DESC, client, user_agent;
STORE ordered INTO '$output/attacker_useragents' USING PigStorage('\t', '-schema');
