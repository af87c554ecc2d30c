-- Where was each attacker?
--
-- One row an alert, by time:
--   ts                seconds since the epoch
--   priority          1 is worst
--   gid, sid          the rule
--   attacker          address of who opened the session, or of who sent the packet where that is not known
--   country           ISO code; -- if unknown; private and so on for addresses that are nobody's
--   city, lat, lon    as far as the database knows
--   asn, as_org       autonomous system, likewise
--
-- Wants a geolocation database: `make geoip`.
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder;
-- empty: our own).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
attacks = FOREACH alerts GENERATE ts, priority, gid, sid, (client IS NULL ? src : client) AS attacker;
placed = ENRICH_GEO(attacks, attacker);
rows = FOREACH placed GENERATE (bigdecimal) ts AS ts, priority, gid, sid, attacker, place.country AS country,
    place.city AS city, place.lat AS lat, place.lon AS lon, place.asn AS asn, place.as_org AS as_org;
ordered = ORDER rows BY ts, gid, sid, attacker;
STORE ordered INTO '$output/snort_location' USING PigStorage('\t', '-schema');
