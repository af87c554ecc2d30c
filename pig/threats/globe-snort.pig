-- Where on the globe are those behind the alerts?
--
-- One row a place that a database knows, most alerts first:
--   latlon      latitude and longitude in degrees, with a space between them
--   priority    mean priority of its alerts; 1 is worst
--   attacks     alerts
--
-- Wants a geolocation database: `make geoip`.
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder;
-- empty: our own).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
attacks = FOREACH alerts GENERATE (client IS NULL ? src : client) AS attacker, priority;
by_attacker = GROUP attacks BY attacker;
placed = FOREACH by_attacker GENERATE geo.latlon(group) AS latlon, SUM(attacks.priority) AS priorities,
    COUNT(attacks.priority) AS rated, COUNT_STAR(attacks) AS attacks;
known = FILTER placed BY latlon IS NOT NULL;
places = FOREACH (GROUP known BY latlon) GENERATE group AS latlon,
    (double) SUM(known.priorities) / SUM(known.rated) AS priority, SUM(known.attacks) AS attacks;
ordered = ORDER places BY attacks DESC, latlon;
STORE ordered INTO '$output/globe_snort' USING PigStorage(',', '-schema');
