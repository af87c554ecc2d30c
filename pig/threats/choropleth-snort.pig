-- How bad is what comes from each country? The numbers of a map.
--
-- One row a country:
--   country     ISO code; what is in no country is left out
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
placed = FOREACH by_attacker GENERATE geo.country(group) AS country, SUM(attacks.priority) AS priorities,
    COUNT(attacks.priority) AS rated, COUNT_STAR(attacks) AS attacks;
known = FILTER placed BY SIZE(country) == 2 AND country != '--';
countries = FOREACH (GROUP known BY country) GENERATE group AS country,
    (double) SUM(known.priorities) / SUM(known.rated) AS priority, SUM(known.attacks) AS attacks;
ordered = ORDER countries BY country;
STORE ordered INTO '$output/choropleth_countries' USING PigStorage(',', '-schema');
