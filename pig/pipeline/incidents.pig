-- Who attacked whom, since when, with what, what seems to have worked, and where is the evidence?
-- Parameters: traces, alerted, anomalies, enriched (tables of all windows), internal (networks of ours, with commas),
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

traces    = LOAD '$traces' USING ParquetLoader();
SPLIT traces INTO attempted IF part == 'attempt', talked IF part == 'talk', paired IF part == 'pair', answerers IF part == 'resolver',
    carried IF part == 'file', traits IF part MATCHES '_.*';
by_kind   = GROUP attempted BY (sensor, src, dst, kind, severity, day);
attempts  = FOREACH by_kind GENERATE
    group.sensor AS sensor, group.src AS attacker, group.dst AS target, (chararray) null AS peer, MIN(attempted.ts) AS ts, MAX(attempted.end_ts) AS end_ts,
    group.kind AS kind, group.severity AS severity, SUM(attempted.count) AS count, SUM(attempted.worked) AS worked, SUM(attempted.bytes) AS bytes,
    SUBSTRING(MIN(attempted.first), 60, 400) AS label, TRIM(SUBSTRING(MIN(attempted.first), 20, 60)) AS session_id;

alerted   = LOAD '$alerted' USING ParquetLoader();
sided     = FOREACH alerted GENERATE *, (net.in_network(opener, '$internal') ? 1 : 0) AS from_us,
    (net.in_network(other, '$internal') ? 1 : 0) AS to_us, (priority < 1 ? 1 : (priority > 4 ? 4 : priority)) AS severity;
by_rule   = GROUP sided BY (sensor, opener, other, gid, sid, message, service, from_us, to_us, day);
rules     = FOREACH by_rule GENERATE FLATTEN(group) AS (sensor, opener, other, gid, sid, message, service, from_us, to_us, day),
    MIN(sided.ts) AS ts, MAX(sided.end_ts) AS end_ts, MIN(sided.severity) AS severity, SUM(sided.count) AS count,
    SUBSTRING(MIN(sided.first), 20, 100) AS session_id;
-- a question of DNS is no attack on whom it is put to
SPLIT rules INTO rules_out IF from_us == 1 AND (to_us == 0 OR (service IS NOT NULL AND service == 'dns')), rules_in OTHERWISE;
warned    = FOREACH rules_in GENERATE
    sensor, opener AS attacker, other AS target, (chararray) null AS peer, ts, end_ts, 'alert' AS kind, severity, count, 0L AS worked, 0L AS bytes,
    message AS label, session_id;
inward    = UNION shapes, attempts, warned;

-- what hosts of ours did: new talks with the outside, calls like a clock's, names that carry data
by_talk   = GROUP talked BY (sensor, src, dst, proto, dport);
new_flows = FOREACH by_talk GENERATE
    group.sensor AS sensor, group.src AS target, group.dst AS peer, MIN(talked.ts) AS ts, MAX(talked.end_ts) AS end_ts, 'new_flow' AS kind, 4 AS severity,
    SUM(talked.count) AS count, SUM(talked.bytes) AS bytes, SPRINTF('%s port %d', group.proto, group.dport) AS label,
    SUBSTRING(MIN(talked.first), 20, 100) AS session_id;
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
-- and what an IDS says of that
-- (a question that a resolver of ours hands on is that of the host which asked it)
named_so  = FOREACH answerers GENERATE sensor AS rs, src AS rh;
resolvers = DISTINCT named_so;
out_marked = JOIN rules_out BY (sensor, opener) LEFT OUTER, resolvers BY (rs, rh);
out_own   = FILTER out_marked BY rh IS NULL OR service IS NULL OR service != 'dns';
warnings  = FOREACH out_own GENERATE
    sensor AS sensor, opener AS target, other AS peer, ts AS ts, end_ts AS end_ts, 'outbound_alert' AS kind, severity AS severity, count AS count,
    0L AS bytes, message AS label, session_id AS session_id;
-- programs that came, and files that went, where the two had not talked before
by_name   = GROUP carried BY (sensor, src, dst, kind, mime, name);
each_name = FOREACH by_name GENERATE FLATTEN(group) AS (sensor, src, dst, kind, mime, name), MIN(carried.ts) AS ts, MAX(carried.end_ts) AS end_ts,
    SUM(carried.count) AS count, SUM(carried.bytes) AS bytes, MAX(carried.hash) AS hash, SUBSTRING(MIN(carried.first), 20, 100) AS session_id;
by_peer   = GROUP new_flows BY (sensor, target, peer);
met_first = FOREACH by_peer GENERATE group.sensor AS met_sensor, group.target AS met_host, group.peer AS met_peer, MIN(new_flows.ts) AS met_ts;
met_them  = JOIN each_name BY (sensor, src, dst), met_first BY (met_sensor, met_host, met_peer);
moved     = FOREACH met_them GENERATE
    sensor AS sensor, src AS target, dst AS peer, ts AS ts, end_ts AS end_ts, kind AS kind, 2 AS severity, count AS count, bytes AS bytes,
    CONCAT((name IS NULL ? 'without a name' : name), ', ', (mime IS NULL ? 'unknown' : mime), (count > 1L ? '' : hash)) AS label,
    session_id AS session_id, met_ts AS since_ts;
own_deeds = UNION new_flows, calls, warnings;
timed     = FOREACH own_deeds GENERATE *, ts AS since_ts;
outward   = UNION timed, moved;

-- to whom it belongs: who attacked that host last before, in the two weeks before; else it stands for itself
-- (joined by fortnights: else each deed would meet all attacks that there ever were)
strong    = FILTER inward BY severity <= 2 AND target IS NOT NULL AND attacker != 'many';
pairs     = GROUP strong BY (sensor, target, attacker);
attacks   = FOREACH pairs GENERATE group.sensor AS hit_sensor, group.target AS hit, group.attacker AS attacker,
    FLATTEN(incidents.tries(strong.(ts, end_ts))) AS (fortnight, began, since, until);
-- (that a host talks to somebody new says something of one that was watched for a day, and seldom does)
everywhen = GROUP traces ALL;
beginning = FOREACH everywhen GENERATE MIN(traces.ts) AS ts;
met_on    = FOREACH new_flows GENERATE sensor AS of_sensor, target AS of_host, (long) (ts / 86400) AS day;
by_day    = GROUP met_on BY (of_sensor, of_host, day);
met_days  = FOREACH by_day GENERATE FLATTEN(group) AS (of_sensor, of_host, day), COUNT_STAR(met_on) AS count;
by_victim = COGROUP attacks BY (hit_sensor, hit) INNER, met_days BY (of_sensor, of_host);
habitual  = FOREACH by_victim GENERATE FLATTEN(group) AS (hit_sensor, hit), FLATTEN(incidents.seldom(
    attacks.(attacker, fortnight, began, since, until), met_days.(day, count), beginning.ts))
    AS (attacker, fortnight, began, since, until, seldom);
dated     = FOREACH outward GENERATE *, (long) (ts / 1209600.0) AS of_fortnight;
joined    = JOIN dated BY (sensor, target, of_fortnight) LEFT OUTER, habitual BY (hit_sensor, hit, fortnight);
possible  = FOREACH joined GENERATE sensor .. session_id,
    (attacker IS NOT NULL AND since_ts >= began AND ts >= since AND ts <= until + 1209600.0
        AND (kind != 'new_flow' OR seldom == 1 OR peer == attacker) ?
        CONCAT((peer IS NOT NULL AND peer == attacker ? '1' : '0'), SPRINTF('%020.6f', (until < ts ? until : ts)), SPRINTF('%020.6f', since), attacker) :
        null) AS claim;
each      = GROUP possible BY (sensor, target, peer, ts, end_ts, kind, severity, count, bytes, label, session_id);
blamed    = FOREACH each GENERATE FLATTEN(group) AS (sensor, target, peer, ts, end_ts, kind, severity, count, bytes, label, session_id),
    SUBSTRING(MAX(possible.claim), 41, 400) AS attacker;
kept      = FILTER blamed BY attacker IS NOT NULL OR NOT (kind == 'new_flow' OR kind == 'download' OR kind == 'loss');
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
where_is  = FOREACH at_places GENERATE of_sensor AS sensor, of AS attacker, (chararray) null AS target, (double) null AS ts, (double) null AS end_ts,
    kind AS kind, 1L AS count, 0L AS bytes, label AS label, (chararray) null AS session_id;
by_trait  = GROUP traits BY (part, sensor, src, dst, label, day);
counted   = FOREACH by_trait GENERATE group.sensor AS sensor, group.src AS src, group.dst AS target, MIN(traits.ts) AS ts, MAX(traits.end_ts) AS end_ts,
    group.part AS kind, SUM(traits.count) AS count, SUM(traits.bytes) AS bytes, group.label AS label, MIN(traits.first) AS first;
of_them   = JOIN counted BY (sensor, src), attackers BY (of_sensor, of);
traced    = FOREACH of_them GENERATE sensor AS sensor, src AS attacker, target AS target, ts AS ts, end_ts AS end_ts, kind AS kind, count AS count,
    (bytes IS NULL ? 0L : bytes) AS bytes, (kind == '_moved' ? CONCAT(label, ' ', SUBSTRING(first, 60, 400)) : label) AS label,
    TRIM(SUBSTRING(first, 20, 60)) AS session_id;
facts     = UNION where_is, traced;
known     = FOREACH facts GENERATE sensor, attacker, target, (chararray) null AS peer, ts, end_ts, kind, 9 AS severity, count, 0L AS worked, bytes,
    label, session_id;
by_pair   = GROUP paired BY (sensor, src, dst);
met_pairs = FOREACH by_pair GENERATE FLATTEN(group) AS (sensor, src, dst), MIN(paired.ts) AS ts, MAX(paired.end_ts) AS end_ts, SUM(paired.count) AS count,
    SUM(paired.bytes) AS bytes;
of_pairs  = JOIN met_pairs BY (sensor, src), attackers BY (of_sensor, of);
met       = FOREACH of_pairs GENERATE sensor AS sensor, src AS attacker, dst AS target, (chararray) null AS peer, ts AS ts, end_ts AS end_ts, '_sessions' AS kind,
    8 AS severity, count AS count, 0L AS worked, bytes AS bytes, (chararray) null AS label, (chararray) null AS session_id;

all_of_it = UNION evidence, known, met;
-- where they are too many: what is severe first, then what is known of him, and last with whom he talked at all
everything = FOREACH all_of_it GENERATE *, (kind == '_sessions' ? 4 : (kind MATCHES '_.*' ? 2 : (severity <= 2 ? 1 : 3))) AS weight;
cases     = GROUP everything BY (sensor, attacker);
made      = FOREACH cases {
    sorted = ORDER everything BY weight, severity, ts;
    most   = LIMIT sorted 20000;
    GENERATE FLATTEN(incidents.assemble(
        most.(target, peer, ts, end_ts, kind, severity, count, worked, bytes, label, session_id), group.sensor, group.attacker, '$folder',
        COUNT_STAR(everything))) AS (incidents, events);
};
incidents = FOREACH made GENERATE FLATTEN(incidents);
incident_events = FOREACH made GENERATE FLATTEN(events);
STORE incidents INTO '$output/incidents' USING ParquetStorer();
STORE incident_events INTO '$output/incident_events' USING ParquetStorer();
