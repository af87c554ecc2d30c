-- Do hosts run what they say? Operating systems by how they speak TCP, beside the user agents that they send.
--
-- One row a host that sent HTTP requests:
--   src          the host
--   systems      what p0f thinks of it, several with |; empty: p0f knows no such signature
--   apps         programs that p0f knows by their HTTP, several with |
--   agents       user agents, several with | (the first 20 by name)
--   requests     how many
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

records = LOAD '$pcap' USING FingerprintLoader();
clients = FILTER records BY subject == 'client' AND (os IS NOT NULL OR app IS NOT NULL);
hosts = FOREACH (GROUP clients BY src) {
    oses = FILTER clients BY os IS NOT NULL;
    distinct_os = DISTINCT oses.os;
    ordered_os = ORDER distinct_os BY os;
    programs = FILTER clients BY app IS NOT NULL;
    distinct_app = DISTINCT programs.app;
    ordered_app = ORDER distinct_app BY app;
    GENERATE group AS src, BagToString(ordered_os, '|') AS systems, BagToString(ordered_app, '|') AS apps;
};
exchanges = LOAD '$pcap' USING HttpLoader('where=method IS NOT NULL');
asked = FOREACH exchanges GENERATE src, user_agent;
said = FOREACH (GROUP asked BY src) {
    with_name = FILTER asked BY user_agent IS NOT NULL;
    names = DISTINCT with_name.user_agent;
    ordered_names = ORDER names BY user_agent;
    some = LIMIT ordered_names 20;
    GENERATE group AS src, BagToString(some, '|') AS agents, COUNT_STAR(asked) AS requests;
};
joined = JOIN said BY src LEFT OUTER, hosts BY src;
rows = FOREACH joined GENERATE said::src AS src, systems AS systems, apps AS apps, agents AS agents, requests AS requests;
ordered = ORDER rows BY requests DESC, src;
STORE ordered INTO '$output/p0f_http' USING PigStorage('\t', '-schema');
