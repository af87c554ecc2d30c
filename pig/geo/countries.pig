-- Which countries did packets come from, and go to?
--
-- One row a country, most bytes first:
--   country      ISO code; -- if unknown; private, multicast and so on for addresses that are nobody's in the Internet
--   name         its name, without commas
--   addresses    how many addresses there sent or were sent something
--   packets_from, bytes_from   what they sent: IP packets, and their bytes with headers
--   packets_to, bytes_to       what they were sent
--
-- Wants a geolocation database: `make geoip`.
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_src IS NOT NULL;
sides = FOREACH ip GENERATE FLATTEN(TOBAG(
    TOTUPLE(ip_src, 1, (long) ip_total_length, 0, 0L), TOTUPLE(ip_dst, 0, 0L, 1, (long) ip_total_length)))
    AS (address:chararray, packets_from:int, bytes_from:long, packets_to:int, bytes_to:long);
by_address = GROUP sides BY address;
addresses = FOREACH by_address GENERATE
    geo.country(group) AS country,
    REPLACE(geo.country_name(group), ',', '') AS name,
    SUM(sides.packets_from) AS packets_from,
    SUM(sides.bytes_from) AS bytes_from,
    SUM(sides.packets_to) AS packets_to,
    SUM(sides.bytes_to) AS bytes_to;
by_country = GROUP addresses BY (country, name);
countries = FOREACH by_country GENERATE
    group.country AS country,
    group.name AS name,
    COUNT_STAR(addresses) AS addresses,
    SUM(addresses.packets_from) AS packets_from,
    SUM(addresses.bytes_from) AS bytes_from,
    SUM(addresses.packets_to) AS packets_to,
    SUM(addresses.bytes_to) AS bytes_to,
    SUM(addresses.bytes_from) + SUM(addresses.bytes_to) AS bytes;
sorted = ORDER countries BY bytes DESC, country;
ordered = FOREACH sorted GENERATE country .. bytes_to;
STORE ordered INTO '$output/countries' USING PigStorage(',', '-schema');
