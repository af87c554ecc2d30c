-- Who carries data in DNS names?
--
-- One row a client and registered domain, the most carried first:
--   src, dst, domain   client, server, domain
--   names              different names below it
--   carried            characters of them before the domain, of each name once
--   longest            the longest of these parts
--   entropy            mean entropy of the names' longest labels, bits a character
--   types              record types that were asked for
--   first, last        when, seconds since the epoch
--
-- Long random names in numbers are tunnels, or updates of anti-virus programs and block lists, which do the same.
-- Parameters: pcap (captures), output (folder), names (least), carried (least).
%default pcap 'tests/captures/demo'
%default output 'output'
%default names 40
%default carried 1200

questions = LOAD '$pcap' USING DnsLoader('where=kind == \'query\' AND section == \'question\'');
asked = FOREACH questions GENERATE src, dst, LOWER(name) AS name, type, ts;
long_names = FILTER asked BY SIZE(name) > 10 AND NOT name MATCHES '.*[.]arpa';
once = FOREACH (GROUP long_names BY (src, dst, name, type)) GENERATE
    FLATTEN(group) AS (src, dst, name, type), MIN(long_names.ts) AS ts, MAX(long_names.ts) AS end_ts;
below = BELOW_DOMAINS(once);
sized = FOREACH below GENERATE *, domains.label_entropy(name) AS entropy;
tunnels = FOREACH (GROUP sized BY (src, dst, domain)) {
    types = DISTINCT sized.type;
    in_order = ORDER types BY type;
    different = DISTINCT sized.(name, size);
    GENERATE FLATTEN(group) AS (src, dst, domain), COUNT_STAR(different) AS names, SUM(different.size) AS carried,
        MAX(sized.size) AS longest, ROUND_TO(AVG(sized.entropy), 2) AS entropy, BagToString(in_order, ' ') AS types,
        MIN(sized.ts) AS first, MAX(sized.end_ts) AS last;
};
large = FILTER tunnels BY names >= $names AND carried >= $carried;
ordered = ORDER large BY carried DESC, src, domain;
STORE ordered INTO '$output/dns_tunnels' USING PigStorage('\t', '-schema');
