-- Which names belong together? The edges of the graph of names, for any program that draws graphs.
--
-- One row an edge:
--   source, target  a name, and what it stands for or is below
--   kind            A, AAAA, CNAME, NS, PTR, MX, SRV: the type of the record; domain: the domain that somebody registered
--   times           how often it was seen
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

records = LOAD '$pcap' USING DnsLoader();
seen = FOREACH records GENERATE LOWER(name) AS source, LOWER(data) AS data, type;
names = FILTER seen BY source IS NOT NULL;
links = FILTER names BY data IS NOT NULL AND type IN ('A', 'AAAA', 'CNAME', 'NS', 'PTR', 'MX', 'SRV');
targets = FOREACH links GENERATE source, REGEX_EXTRACT(data, '([^ ]+)$', 1) AS target, type AS kind;
counts = FOREACH (GROUP names BY source) GENERATE group AS source, COUNT_STAR(names) AS times;
registered = FOREACH counts GENERATE source, domains.registered_domain(source) AS target, 'domain' AS kind, times;
domains = FILTER registered BY target IS NOT NULL AND target != source AND NOT source MATCHES '.*[.]arpa';
edges = FOREACH (GROUP targets BY (source, target, kind)) GENERATE
    group.source AS source, group.target AS target, group.kind AS kind, COUNT_STAR(targets) AS times;
all_edges = UNION edges, domains;
ordered = ORDER all_edges BY source, kind, target;
STORE ordered INTO '$output/ubigraph-dns' USING PigStorage('\t', '-schema');
