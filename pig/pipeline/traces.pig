-- What is there in the window that an incident may be made of: attempts, talks with the outside, files, and what tells who somebody is?
-- Parameters: sessions, http, tls, files, fingerprints (tables), internal (networks of ours, with commas), output.
SET pig.store.schema.disambiguate 'false'

-- requests that try something: a row a kind and day
http      = LOAD '$http' USING ParquetLoader();
asked     = FOREACH http GENERATE sensor, src, dst, ts, session_id, method, status, response_bytes, uri, user_agent,
    incidents.attempt(uri) AS attempt, incidents.tool(user_agent) AS tool;
tries     = FILTER asked BY attempt IS NOT NULL OR tool IS NOT NULL;
tried     = FOREACH tries GENERATE
    sensor, src, dst, ts, (attempt IS NULL ? 'attack_tool' : attempt) AS kind, (attempt IS NULL ? 3 : 2) AS severity, (long) (ts / 86400) AS day,
    (attempt IS NOT NULL AND status >= 200 AND status < 300 ? 1L : 0L) AS answered,
    (attempt IS NOT NULL AND status >= 200 AND status < 300 AND response_bytes IS NOT NULL ? response_bytes : 0L) AS bytes,
    CONCAT(SPRINTF('%020.6f', ts), SPRINTF('%-40s', session_id), (attempt IS NULL ? tool : SUBSTRING(uri, 0, 300))) AS first;
by_kind   = GROUP tried BY (sensor, src, dst, kind, severity, day);
attempts  = FOREACH by_kind GENERATE 'attempt' AS part, FLATTEN(group) AS (sensor, src, dst, kind, severity, day), MIN(tried.ts) AS ts,
    MAX(tried.ts) AS end_ts, COUNT_STAR(tried) AS count, SUM(tried.answered) AS worked, SUM(tried.bytes) AS bytes, MIN(tried.first) AS first;

-- talks of hosts of ours with the outside, who talked to whom at all, and resolvers of ours
all_sessions = LOAD '$sessions' USING ParquetLoader();
flows     = FOREACH all_sessions GENERATE sensor, src, dst, dport, proto, service, ts, end_ts, src_bytes, dst_bytes, dst_packets, session_id;
outside   = FILTER flows BY net.in_network(src, '$internal') AND NOT net.in_network(dst, '$internal') AND dst_packets > 0L;
leaving   = FOREACH outside GENERATE sensor, src, dst, proto, dport, ts, end_ts, src_bytes, CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
by_talk   = GROUP leaving BY (sensor, src, dst, proto, dport);
talks     = FOREACH by_talk GENERATE 'talk' AS part, FLATTEN(group) AS (sensor, src, dst, proto, dport), MIN(leaving.ts) AS ts,
    MAX(leaving.end_ts) AS end_ts, COUNT_STAR(leaving) AS count, SUM(leaving.src_bytes) AS bytes, MIN(leaving.first) AS first;
by_pair   = GROUP flows BY (sensor, src, dst);
pairs     = FOREACH by_pair GENERATE 'pair' AS part, FLATTEN(group) AS (sensor, src, dst), MIN(flows.ts) AS ts, MAX(flows.end_ts) AS end_ts,
    COUNT_STAR(flows) AS count, SUM(flows.src_bytes) + SUM(flows.dst_bytes) AS bytes;
answering = FILTER flows BY service == 'dns' AND dst_bytes > 0L AND net.in_network(dst, '$internal');
answerers = FOREACH answering GENERATE 'resolver' AS part, sensor, dst AS src;
resolvers = DISTINCT answerers;

-- sessions in which somebody did more at a host of ours than sign in (more than GUESS_BINS takes for that)
longer    = FILTER flows BY dst_bytes > 0L AND ((service == 'ssh' AND (src_bytes > 6000L OR dst_bytes > 6000L))
    OR (service == 'rdp' AND (src_bytes > 20000L OR dst_bytes > 20000L)));
at_ours   = FILTER longer BY net.in_network(dst, '$internal');
stayed    = FOREACH at_ours GENERATE sensor, src, dst, service AS label, (long) (ts / 86400) AS day, ts, end_ts, src_bytes + dst_bytes AS bytes,
    CONCAT(SPRINTF('%020.6f', ts), SPRINTF('%-40s', session_id)) AS first;
by_stay   = GROUP stayed BY (sensor, src, dst, label, day);
stays     = FOREACH by_stay GENERATE '_stayed' AS part, FLATTEN(group) AS (sensor, src, dst, label, day), MIN(stayed.ts) AS ts,
    MAX(stayed.end_ts) AS end_ts, COUNT_STAR(stayed) AS count, SUM(stayed.bytes) AS bytes, MIN(stayed.first) AS first;

-- programs that came, and files that went
files     = LOAD '$files' USING ParquetLoader();
carried   = FOREACH files GENERATE sensor, src, dst, ts, (direction == 'to_server' ? 'loss' : 'download') AS kind, protocol, direction, mime, name,
    (mime MATCHES '.*(executable|sharedlib|dosexec|msdownload|mach-binary|script|php|x-python|x-perl|java-archive).*' ? 1 : 0) AS program, session_id,
    (size IS NULL ? 0L : size) AS bytes, CONCAT(SPRINTF('%020.6f', ts), session_id) AS first,
    CONCAT(', sha256 ', (sha256 IS NULL ? 'unknown' : sha256)) AS hash;
notable   = FILTER carried BY net.in_network(src, '$internal') AND NOT net.in_network(dst, '$internal')
    AND (direction == 'to_server' OR program == 1);
by_name   = GROUP notable BY (sensor, src, dst, kind, mime, name);
moved     = FOREACH by_name GENERATE 'file' AS part, FLATTEN(group) AS (sensor, src, dst, kind, mime, name), MIN(notable.ts) AS ts,
    MAX(notable.ts) AS end_ts, COUNT_STAR(notable) AS count, SUM(notable.bytes) AS bytes, MAX(notable.hash) AS hash, MIN(notable.first) AS first;

-- what others took from hosts of ours, or left there: files of servers of files, and programs
offered   = FILTER carried BY (protocol == 'ftp' OR protocol == 'smb' OR protocol == 'tftp' OR (direction == 'to_server' AND program == 1));
of_ours   = FILTER offered BY net.in_network(dst, '$internal');
handed    = FOREACH of_ours GENERATE sensor, src, dst, CONCAT(direction, ' ', protocol) AS label, (long) (ts / 86400) AS day, ts, bytes,
    CONCAT(SPRINTF('%020.6f', ts), SPRINTF('%-40s', session_id), (name IS NULL ? 'without a name' : SUBSTRING(name, 0, 200)), ', ',
        (mime IS NULL ? 'unknown' : mime)) AS first;
by_hand   = GROUP handed BY (sensor, src, dst, label, day);
changed_hands = FOREACH by_hand GENERATE '_moved' AS part, FLATTEN(group) AS (sensor, src, dst, label, day), MIN(handed.ts) AS ts,
    MAX(handed.ts) AS end_ts, COUNT_STAR(handed) AS count, SUM(handed.bytes) AS bytes, MIN(handed.first) AS first;

-- who somebody is
by_agent  = GROUP asked BY (sensor, src, user_agent);
agents    = FOREACH by_agent GENERATE '_user_agent' AS part, FLATTEN(group) AS (sensor, src, label), COUNT_STAR(asked) AS count;
forms     = FILTER asked BY method == 'POST' AND status IS NOT NULL;
answers   = FOREACH forms GENERATE sensor, src, dst, CONCAT((chararray) status, ' ', REGEX_EXTRACT(uri, '^([^?]{0,200})', 1)) AS label,
    (long) (ts / 86400) AS day, ts, CONCAT(SPRINTF('%020.6f', ts), SPRINTF('%-40s', session_id)) AS first;
by_answer = GROUP answers BY (sensor, src, dst, label, day);
told      = FOREACH by_answer GENERATE '_answer' AS part, FLATTEN(group) AS (sensor, src, dst, label, day), MIN(answers.ts) AS ts,
    MAX(answers.ts) AS end_ts, COUNT_STAR(answers) AS count, MIN(answers.first) AS first;
tls       = LOAD '$tls' USING ParquetLoader();
by_ja4    = GROUP tls BY (sensor, src, ja4);
prints    = FOREACH by_ja4 GENERATE '_ja4' AS part, FLATTEN(group) AS (sensor, src, label), COUNT_STAR(tls) AS count;
seen_by_p0f = LOAD '$fingerprints' USING ParquetLoader();
hosts     = FOREACH seen_by_p0f GENERATE sensor, (subject == 'server' ? dst : src) AS host, os;
systems   = FILTER hosts BY os IS NOT NULL;
by_os     = GROUP systems BY (sensor, host, os);
oses      = FOREACH by_os GENERATE '_os' AS part, FLATTEN(group) AS (sensor, src, label), COUNT_STAR(systems) AS count;

traces    = UNION ONSCHEMA attempts, talks, pairs, resolvers, stays, moved, changed_hands, agents, told, prints, oses;
STORE traces INTO '$output/traces' USING ParquetStorer();
