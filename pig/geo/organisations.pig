-- Which networks of the Internet (autonomous systems) did packets come from, and go to?
--
-- One row a system, most bytes first:
--   asn           its number
--   as_org        who runs it, without commas
--   addresses     how many addresses there
--   packets       IP packets from them and to them
--   bytes         their bytes, headers included
--   first, last   first and last packet, UTC
--
-- Wants a geolocation database of AS numbers: `make geoip`.
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_src IS NOT NULL;
sides = FOREACH ip GENERATE ts, FLATTEN(TOBAG(ip_src, ip_dst)) AS address:chararray, ip_total_length AS bytes;
by_address = GROUP sides BY address;
addresses = FOREACH by_address GENERATE
    geo.asn(group) AS asn,
    REPLACE(geo.as_org(group), ',', '') AS as_org,
    COUNT_STAR(sides) AS packets,
    SUM(sides.bytes) AS bytes,
    MIN(sides.ts) AS first,
    MAX(sides.ts) AS last;
known = FILTER addresses BY asn IS NOT NULL OR as_org IS NOT NULL;
by_system = GROUP known BY (asn, as_org);
systems = FOREACH by_system GENERATE
    FLATTEN(group) AS (asn, as_org),
    COUNT_STAR(known) AS addresses,
    SUM(known.packets) AS packets,
    SUM(known.bytes) AS bytes,
    times.iso(MIN(known.first)) AS first,
    times.iso(MAX(known.last)) AS last;
ordered = ORDER systems BY bytes DESC, asn, as_org;
STORE ordered INTO '$output/organisations' USING PigStorage(',', '-schema');
