-- From which countries are the alerts?
--
-- In $output/snort_countries_by_attacks one row a country, most alerts first; in $output/snort_countries_by_severity the
-- same rows, the worst first:
--   country, name     ISO code and name; -- if unknown; private and so on for addresses that are nobody's
--   priority          mean priority of its alerts; 1 is worst
--   attacks           alerts
--   attackers         addresses there: of who opened the session, or of who sent the packet where that is not known
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
attackers = FOREACH by_attacker GENERATE geo.country(group) AS country, geo.country_name(group) AS name,
    SUM(attacks.priority) AS priorities, COUNT(attacks.priority) AS rated, COUNT_STAR(attacks) AS attacks;
countries = FOREACH (GROUP attackers BY (country, name)) GENERATE FLATTEN(group) AS (country, name),
    (double) SUM(attackers.priorities) / SUM(attackers.rated) AS priority, SUM(attackers.attacks) AS attacks,
    COUNT_STAR(attackers) AS attackers;
by_attacks = ORDER countries BY attacks DESC, country;
STORE by_attacks INTO '$output/snort_countries_by_attacks' USING PigStorage('\t', '-schema');
by_severity = ORDER countries BY priority, attacks DESC, country;
STORE by_severity INTO '$output/snort_countries_by_severity' USING PigStorage('\t', '-schema');
