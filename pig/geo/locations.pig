-- Where on the globe are the addresses that packets came from or went to?
--
-- One row a place that a database knows, most bytes first:
--   latlon     latitude and longitude in degrees, with a space between them
--   country    ISO code
--   city       its name, without commas
--   addresses  how many addresses there
--   packets    IP packets from them and to them
--   bytes      their bytes, headers included
--
-- Wants a geolocation database of cities: `make geoip`.
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_src IS NOT NULL;
sides = FOREACH ip GENERATE FLATTEN(TOBAG(ip_src, ip_dst)) AS address:chararray, ip_total_length AS bytes;
by_address = GROUP sides BY address;
addresses = FOREACH by_address GENERATE
    geo.latlon(group) AS latlon,
    FLATTEN(geo.place(group)),
    COUNT_STAR(sides) AS packets,
    SUM(sides.bytes) AS bytes;
known = FILTER addresses BY latlon IS NOT NULL;
by_place = GROUP known BY (latlon, country, city);
locations = FOREACH by_place GENERATE
    group.latlon AS latlon,
    group.country AS country,
    REPLACE(group.city, ',', '') AS city,
    COUNT_STAR(known) AS addresses,
    SUM(known.packets) AS packets,
    SUM(known.bytes) AS bytes;
ordered = ORDER locations BY bytes DESC, latlon;
STORE ordered INTO '$output/locations' USING PigStorage(',', '-schema');
