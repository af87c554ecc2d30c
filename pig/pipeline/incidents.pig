-- Who attacked whom, since when, with what, what seems to have worked, and where is the evidence?
-- Parameters: anomalies, sessions, http, tls, enriched (tables of all windows), internal (networks of ours, with commas),
-- folder (of captures, for the command that carves), output.
SET pig.store.schema.disambiguate 'false'

-- what came at somebody: a row an attacker, target and kind (of requests, and a day)
strange   = LOAD '$anomalies' USING ParquetLoader();
placed    = FOREACH strange GENERATE *, (net.in_network(src, '$internal') ? 1 : 0) AS from_us,
    (net.in_network(dst, '$internal') ? 1 : 0) AS to_us, REGEX_EXTRACT(detail, ' below (.*)$', 1) AS domain;
SPLIT placed INTO
    leaving IF from_us == 1 AND (kind == 'beacon' OR kind == 'first_port' OR (kind == 'dns_tunnel' AND domain IS NOT NULL)),
    coming OTHERWISE;
came      = FILTER coming BY kind != 'beacon' AND kind != 'first_port' AND kind != 'dns_tunnel' AND NOT (kind == 'foreign_port' AND from_us == 1);
shapes    = FOREACH came GENERATE
    sensor, (src IS NULL ? 'many' : src) AS attacker, dst AS target, (chararray) null AS peer, ts, end_ts, kind, severity, count,
    0L AS worked, 0L AS bytes, detail AS label, session_id;

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
attempts  = FOREACH by_kind GENERATE
    group.sensor AS sensor, group.src AS attacker, group.dst AS target, (chararray) null AS peer, MIN(tried.ts) AS ts, MAX(tried.ts) AS end_ts,
    group.kind AS kind, group.severity AS severity, COUNT_STAR(tried) AS count, SUM(tried.answered) AS worked, SUM(tried.bytes) AS bytes,
    SUBSTRING(MIN(tried.first), 60, 400) AS label, TRIM(SUBSTRING(MIN(tried.first), 20, 60)) AS session_id;
inward    = UNION shapes, attempts;

-- what hosts of ours did: new talks with the outside, calls like a clock's, names that carry data
all_sessions = LOAD '$sessions' USING ParquetLoader();
flows     = FOREACH all_sessions GENERATE sensor, src, dst, dport, proto, service, ts, end_ts, src_bytes, dst_bytes, dst_packets, session_id;
outside   = FILTER flows BY net.in_network(src, '$internal') AND NOT net.in_network(dst, '$internal') AND dst_packets > 0L;
talks     = FOREACH outside GENERATE sensor, src, dst, proto, dport, ts, end_ts, src_bytes, CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
by_talk   = GROUP talks BY (sensor, src, dst, proto, dport);
new_flows = FOREACH by_talk GENERATE
    group.sensor AS sensor, group.src AS target, group.dst AS peer, MIN(talks.ts) AS ts, MAX(talks.end_ts) AS end_ts, 'new_flow' AS kind, 4 AS severity,
    COUNT_STAR(talks) AS count, SUM(talks.src_bytes) AS bytes, SPRINTF('%s port %d', group.proto, group.dport) AS label,
    SUBSTRING(MIN(talks.first), 20, 100) AS session_id;
-- a resolver of ours that hands a host's tunnel on is no second host
tunnels   = FILTER leaving BY kind == 'dns_tunnel';
askers    = FOREACH tunnels GENERATE sensor, src, domain;
asked_of  = FOREACH tunnels GENERATE sensor, dst, domain;
chain     = COGROUP askers BY (sensor, domain, src), asked_of BY (sensor, domain, dst);
handed_on = FILTER chain BY NOT IsEmpty(askers) AND NOT IsEmpty(asked_of);
relays    = FOREACH handed_on GENERATE group.sensor AS relay_sensor, group.domain AS relay_domain, group.src AS relay;
marked    = JOIN leaving BY (sensor, domain, src) LEFT OUTER, relays BY (relay_sensor, relay_domain, relay);
own       = FILTER marked BY relay IS NULL;
calls     = FOREACH own GENERATE
    sensor AS sensor, src AS target, dst AS peer, ts AS ts, end_ts AS end_ts, kind AS kind, severity AS severity, count AS count, 0L AS bytes,
    detail AS label, session_id AS session_id;
outward   = UNION new_flows, calls;

-- to whom it belongs: who attacked that host last before, in the two weeks before; else it stands for itself
strong    = FILTER inward BY severity <= 2 AND target IS NOT NULL AND attacker != 'many';
pairs     = GROUP strong BY (sensor, target, attacker);
attacks   = FOREACH pairs GENERATE group.sensor AS hit_sensor, group.target AS hit, group.attacker AS attacker, MIN(strong.ts) AS since, MAX(strong.end_ts) AS until;
joined    = JOIN outward BY (sensor, target) LEFT OUTER, attacks BY (hit_sensor, hit);
possible  = FOREACH joined GENERATE sensor .. session_id,
    (attacker IS NOT NULL AND ts >= since AND ts <= until + 1209600 ?
        CONCAT((peer == attacker ? '1' : '0'), SPRINTF('%020.6f', since), attacker) : null) AS claim;
each      = GROUP possible BY (sensor, target, peer, ts, end_ts, kind, severity, count, bytes, label, session_id);
blamed    = FOREACH each GENERATE FLATTEN(group) AS (sensor, target, peer, ts, end_ts, kind, severity, count, bytes, label, session_id),
    SUBSTRING(MAX(possible.claim), 21, 400) AS attacker;
kept      = FILTER blamed BY attacker IS NOT NULL OR kind != 'new_flow';
deeds     = FOREACH kept GENERATE
    sensor, (attacker IS NOT NULL ? attacker : (kind == 'dns_tunnel' ? REGEX_EXTRACT(label, ' below (.*)$', 1) : peer)) AS attacker, target, peer,
    ts, end_ts, kind, severity, count, 0L AS worked, bytes, label, session_id;
evidence  = UNION inward, deeds;

-- who they are
named     = FOREACH evidence GENERATE sensor AS of_sensor, attacker AS of;
attackers = DISTINCT named;
enriched  = LOAD '$enriched' USING ParquetLoader();
in_country = FOREACH enriched GENERATE ip, '_country' AS kind, country AS label;
in_city   = FOREACH enriched GENERATE ip, '_city' AS kind, city AS label;
in_as     = FOREACH enriched GENERATE ip, '_asn' AS kind, CONCAT('AS', (chararray) asn) AS label;
in_org    = FOREACH enriched GENERATE ip, '_as_org' AS kind, as_org AS label;
places    = UNION in_country, in_city, in_as, in_org;
once      = DISTINCT places;
at_places = JOIN once BY ip, attackers BY of;
where_is  = FOREACH at_places GENERATE of_sensor AS sensor, of AS attacker, (chararray) null AS target, kind AS kind, label AS label, 1L AS count;
by_agent  = GROUP asked BY (sensor, src, user_agent);
agents    = FOREACH by_agent GENERATE group.sensor AS sensor, group.src AS src, (chararray) null AS target, '_user_agent' AS kind, group.user_agent AS label, COUNT_STAR(asked) AS count;
forms     = FILTER asked BY method == 'POST' AND status IS NOT NULL;
answers   = FOREACH forms GENERATE sensor, src, dst, CONCAT((chararray) status, ' ', REGEX_EXTRACT(uri, '^([^?]{0,200})', 1)) AS label;
by_answer = GROUP answers BY (sensor, src, dst, label);
told      = FOREACH by_answer GENERATE group.sensor AS sensor, group.src AS src, group.dst AS target, '_answer' AS kind, group.label AS label, COUNT_STAR(answers) AS count;
tls       = LOAD '$tls' USING ParquetLoader();
by_ja4    = GROUP tls BY (sensor, src, ja4);
prints    = FOREACH by_ja4 GENERATE group.sensor AS sensor, group.src AS src, (chararray) null AS target, '_ja4' AS kind, group.ja4 AS label, COUNT_STAR(tls) AS count;
traits    = UNION agents, told, prints;
of_them   = JOIN traits BY (sensor, src), attackers BY (of_sensor, of);
traced    = FOREACH of_them GENERATE sensor AS sensor, src AS attacker, target AS target, kind AS kind, label AS label, count AS count;
facts     = UNION where_is, traced;
known     = FOREACH facts GENERATE sensor, attacker, target, (chararray) null AS peer, (double) null AS ts, (double) null AS end_ts, kind, 9 AS severity, count,
    0L AS worked, 0L AS bytes, label, (chararray) null AS session_id;
by_pair   = GROUP flows BY (sensor, src, dst);
talked    = FOREACH by_pair GENERATE FLATTEN(group) AS (sensor, src, dst), MIN(flows.ts) AS ts, MAX(flows.end_ts) AS end_ts, COUNT_STAR(flows) AS count,
    SUM(flows.src_bytes) + SUM(flows.dst_bytes) AS bytes;
of_pairs  = JOIN talked BY (sensor, src), attackers BY (of_sensor, of);
met       = FOREACH of_pairs GENERATE sensor AS sensor, src AS attacker, dst AS target, (chararray) null AS peer, ts AS ts, end_ts AS end_ts, '_sessions' AS kind,
    8 AS severity, count AS count, 0L AS worked, bytes AS bytes, (chararray) null AS label, (chararray) null AS session_id;

everything = UNION evidence, known, met;
cases     = GROUP everything BY (sensor, attacker);
made      = FOREACH cases {
    sorted = ORDER everything BY severity, ts;
    most   = LIMIT sorted 20000;
    GENERATE FLATTEN(incidents.assemble(group.sensor, group.attacker, most.(target, peer, ts, end_ts, kind, severity, count, worked, bytes, label, session_id), '$folder')) AS (incidents, events);
};
incidents = FOREACH made GENERATE FLATTEN(incidents);
incident_events = FOREACH made GENERATE FLATTEN(events);
STORE incidents INTO '$output/incidents' USING ParquetStorer();
STORE incident_events INTO '$output/incident_events' USING ParquetStorer();
