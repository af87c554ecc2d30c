-- Who are the attackers: their programs, systems and places?
--
-- One row an alert that is as bad as $priority, by time:
--   ts, gid, sid, message        the alert
--   attacker, sport, target, dport   who opened the session, and to whom; as the packet went where that is not known
--   user_agent                   of the request in the same flow, the last one up to then
--   os                           what p0f thinks of the attacker
--   country, city, lat, lon      where its address is
--
-- Wants a geolocation database: `make geoip`.
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder;
-- empty: our own), priority (alerts up to this one).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''
%default priority 1

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
bad = FILTER alerts BY priority <= $priority;
attacks = FOREACH bad GENERATE ts, gid, sid, message, CONCAT(sensor, ' ', community_id) AS flow,
    (client IS NULL OR client == src ? src : dst) AS attacker, (client IS NULL OR client == src ? sport : dport) AS sport,
    (client IS NULL OR client == src ? dst : src) AS target, (client IS NULL OR client == src ? dport : sport) AS dport,
    (double) null AS begin, (double) null AS end;
exchanges = LOAD '$pcap' USING HttpLoader();
asked = FOREACH exchanges GENERATE CONCAT(sensor, ' ', community_id) AS flow, ts, method, host, uri, status, user_agent;
flows = COGROUP attacks BY flow INNER, asked BY flow;
around = FOREACH flows GENERATE group AS match_flow, FLATTEN(context.around(attacks.(ts, begin, end),
    asked.(ts, method, host, uri, status, user_agent), null, null)) AS (asked_ts, method, host, uri, status, user_agent,
    tls_version, sni, ja4, issuer, file_names, file_types, sha256s);
told = JOIN attacks BY (flow, ts) LEFT OUTER, around BY (match_flow, asked_ts);
records = LOAD '$pcap' USING FingerprintLoader();
systems = SYSTEMS(records);
joined = JOIN told BY attacker LEFT OUTER, systems BY host;
plain = FOREACH joined GENERATE ts AS ts, gid AS gid, sid AS sid, message AS message, attacker AS attacker,
    sport AS sport, target AS target, dport AS dport, user_agent AS user_agent, os AS os;
placed = ENRICH_GEO(plain, attacker);
rows = FOREACH placed GENERATE (bigdecimal) ts AS ts, gid .. os, place.country AS country, place.city AS city,
    place.lat AS lat, place.lon AS lon;
ordered = ORDER rows BY ts, gid, sid, attacker, sport;
STORE ordered INTO '$output/user_info' USING PigStorage('\t', '-schema');
