-- Which programs ask over HTTP, and who uses them?
--
-- One row a user agent, the most frequent first; empty: requests that name none:
--   user_agent       as the program calls itself
--   requests         how many
--   clients, hosts   addresses that sent them; names that were asked
--   first, last      when, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

exchanges = LOAD '$pcap' USING HttpLoader('where=method IS NOT NULL');
asked = FOREACH exchanges GENERATE user_agent, src, host, ts;
agents = FOREACH (GROUP asked BY user_agent) {
    clients = DISTINCT asked.src;
    hosts = DISTINCT asked.host;
    GENERATE group AS user_agent, COUNT_STAR(asked) AS requests, COUNT(clients) AS clients, COUNT(hosts) AS hosts,
        MIN(asked.ts) AS first, MAX(asked.ts) AS last;
};
ordered = ORDER agents BY requests DESC, user_agent;
STORE ordered INTO '$output/user_agent' USING PigStorage('\t', '-schema');
