-- Which values does a header of requests have, and from which countries do those who send them come?
--
-- In $output/http_fields one row a value, the most frequent first:
--   value                what the header says
--   requests, clients    headers with that value; addresses that sent them
--   first, last          when, seconds since the epoch
-- In $output/http_fields_countries one row a country, most clients first:
--   country, name        ISO code and name; -- if unknown; private and so on for addresses that are nobody's
--   clients, requests    addresses there that sent the header; how often
--
-- Wants a geolocation database: `make geoip`.
-- Parameters: pcap (captures), output (folder), field (the header's name).
%default pcap 'tests/captures/demo'
%default output 'output'
%default field 'user-agent'

headers = LOAD '$pcap' USING HttpLoader('field=$field');
sent = FILTER headers BY message == 'request';
fields = FOREACH sent GENERATE src, ts, value;

by_value = GROUP fields BY value;
values = FOREACH by_value {
    senders = DISTINCT fields.src;
    GENERATE group AS value, COUNT_STAR(fields) AS requests, COUNT(senders) AS clients, MIN(fields.ts) AS first,
        MAX(fields.ts) AS last;
};
ordered = ORDER values BY requests DESC, value;
STORE ordered INTO '$output/http_fields' USING PigStorage('\t', '-schema');

by_client = GROUP fields BY src;
clients = FOREACH by_client GENERATE geo.country(group) AS country, geo.country_name(group) AS name,
    COUNT_STAR(fields) AS requests;
by_country = GROUP clients BY (country, name);
countries = FOREACH by_country GENERATE group.country AS country, group.name AS name, COUNT_STAR(clients) AS clients,
    SUM(clients.requests) AS requests;
sorted = ORDER countries BY clients DESC, country;
STORE sorted INTO '$output/http_fields_countries' USING PigStorage('\t', '-schema');
