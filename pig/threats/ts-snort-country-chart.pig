-- How many alerts came from each country in each stretch of time? The numbers of a chart.
--
-- One row a country and a bin of time with alerts; of the $most countries with the most alerts:
--   country     ISO code; -- if unknown; private and so on for addresses that are nobody's
--   bin         its begin, seconds since the epoch
--   attacks     alerts
--
-- Wants a geolocation database: `make geoip`.
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder;
-- empty: our own), time (seconds a bin), most (countries).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''
%default time 86400
%default most 8

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
attacks = FOREACH alerts GENERATE (long) ts / $time * $time AS bin, (client IS NULL ? src : client) AS attacker;
by_attacker = FOREACH (GROUP attacks BY (attacker, bin)) GENERATE FLATTEN(group) AS (attacker, bin),
    COUNT_STAR(attacks) AS attacks;
placed = FOREACH by_attacker GENERATE geo.country(attacker) AS country, bin, attacks;
bins = FOREACH (GROUP placed BY (country, bin)) GENERATE FLATTEN(group) AS (country, bin), SUM(placed.attacks) AS attacks;
totals = FOREACH (GROUP bins BY country) GENERATE group AS country, SUM(bins.attacks) AS total;
by_total = ORDER totals BY total DESC, country;
first = LIMIT by_total $most;
joined = JOIN bins BY country, first BY country;
rows = FOREACH joined GENERATE bins::country AS country, bin AS bin, attacks AS attacks;
ordered = ORDER rows BY bin, country;
STORE ordered INTO '$output/ts-snort-country-chart' USING PigStorage(',', '-schema');
