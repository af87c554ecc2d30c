-- What was seen in the window: sources, flows to the outside, domains, user agents, JA4, files, signatures, by capture?
-- Parameters: sessions, dns, http, tls, files, alerts (tables), internal (networks of ours, with commas), output.
SET pig.store.schema.disambiguate 'false'
all_sessions = LOAD '$sessions' USING ParquetLoader();
sessions  = FOREACH all_sessions GENERATE sensor, capture, ts, session_id, proto, src, dst, dport, service, dst_packets, dst_bytes, state,
    (net.in_network(src, '$internal') ? 1 : 0) AS from_us, (net.in_network(dst, '$internal') ? 1 : 0) AS to_us;
sources   = FOREACH sessions GENERATE sensor, capture, ts, session_id, src AS host, 'source' AS kind, src AS value;
leaving   = FILTER sessions BY from_us == 1 AND to_us == 0 AND dst_packets > 0L;
outbound  = FOREACH leaving GENERATE sensor, capture, ts, session_id, src AS host, 'outbound_flow' AS kind,
    SPRINTF('%s to %s, %s %d%s', src, dst, proto, dport, (service IS NULL ? '' : CONCAT(' ', service))) AS value;
answered  = FILTER sessions BY to_us == 1 AND (proto == 'tcp' OR proto == 'udp') AND (dst_bytes > 0L OR state == 'S1' OR state == 'SF');
listening = FOREACH answered GENERATE sensor, capture, ts, session_id, dst AS host, 'listening_port' AS kind,
    SPRINTF('%s, %s %d', dst, proto, dport) AS value;

dns       = LOAD '$dns' USING ParquetLoader();
questions = FILTER dns BY section == 'question' AND kind == 'query' AND NOT LOWER(name) MATCHES '.*[.]arpa';
asked     = FOREACH questions GENERATE sensor, capture, ts, session_id, src, LOWER(name) AS name;
http      = LOAD '$http' USING ParquetLoader();
hosts     = FOREACH http GENERATE sensor, capture, ts, session_id, src, REPLACE(LOWER(host), ':[0-9]*$', '') AS name;
tls       = LOAD '$tls' USING ParquetLoader();
snis      = FOREACH tls GENERATE sensor, capture, ts, session_id, src, LOWER(sni) AS name;
named     = UNION asked, hosts, snis;
names     = FILTER named BY name IS NOT NULL AND NOT name MATCHES '[0-9.]*|\\[.*';
placed    = FOREACH names GENERATE *, domains.registered_domain(name) AS registered, REGEX_EXTRACT(name, '([^.]+[.][^.]+)$', 1) AS ending;
domains   = FOREACH placed GENERATE sensor, capture, ts, session_id, src AS host, 'domain' AS kind,
    (registered IS NOT NULL ? registered : (ending IS NOT NULL ? ending : name)) AS value;
agents    = FOREACH http GENERATE sensor, capture, ts, session_id, src AS host, 'user_agent' AS kind, user_agent AS value;
prints    = FOREACH tls GENERATE sensor, capture, ts, session_id, src AS host, 'ja4' AS kind, ja4 AS value;
files     = LOAD '$files' USING ParquetLoader();
hashes    = FOREACH files GENERATE sensor, capture, ts, session_id, src AS host, 'file' AS kind, sha256 AS value;
alerts    = LOAD '$alerts' USING ParquetLoader();
rules     = FOREACH alerts GENERATE sensor, capture, ts, session_id, src AS host, 'signature' AS kind,
    SPRINTF('%d:%d %s', gid, sid, message) AS value;

things    = UNION sources, outbound, listening, domains, agents, prints, hashes, rules;
present   = FILTER things BY value IS NOT NULL;
keyed     = FOREACH present GENERATE
    sensor, capture, kind, SUBSTRING(value, 0, 1000) AS value, ts, CONCAT(SPRINTF('%020.6f', ts), (session_id IS NULL ? '' : session_id), ' ', (host IS NULL ? '' : host)) AS first;
groups    = GROUP keyed BY (sensor, capture, kind, value);
counted   = FOREACH groups GENERATE
    FLATTEN(group) AS (sensor, capture, kind, value), MIN(keyed.ts) AS ts, MAX(keyed.ts) AS last_ts, COUNT_STAR(keyed) AS times,
    MIN(keyed.first) AS first;
seen      = FOREACH counted GENERATE sensor, capture, kind, value, ts, last_ts, times,
    REGEX_EXTRACT(SUBSTRING(first, 20, 2000), '^([^ ]*) ', 1) AS session_id, REGEX_EXTRACT(first, ' (.*)$', 1) AS host;
STORE seen INTO '$output/seen' USING ParquetStorer();
