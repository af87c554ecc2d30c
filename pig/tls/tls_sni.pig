-- Which servers' names do clients ask for in TLS and QUIC?
--
-- One row a name, the most frequent first; empty where a hello has none:
--   sni                 the name
--   handshakes          how many, and by how many
--   clients, servers    addresses
--   carriers, versions  tls, quic, smtp, …; versions that were agreed
--   first, last         when, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

handshakes = LOAD '$pcap' USING TlsLoader();
asked = FOREACH handshakes GENERATE LOWER(sni) AS sni, src, dst, carrier, version, ts;
names = FOREACH (GROUP asked BY sni) {
    clients = DISTINCT asked.src;
    servers = DISTINCT asked.dst;
    carriers = DISTINCT asked.carrier;
    carriers_in_order = ORDER carriers BY carrier;
    versions = DISTINCT asked.version;
    known = FILTER versions BY version IS NOT NULL;
    versions_in_order = ORDER known BY version;
    GENERATE group AS sni, COUNT_STAR(asked) AS handshakes, COUNT(clients) AS clients, COUNT(servers) AS servers,
        BagToString(carriers_in_order, ' ') AS carriers, BagToString(versions_in_order, ' ') AS versions,
        MIN(asked.ts) AS first, MAX(asked.ts) AS last;
};
ordered = ORDER names BY handshakes DESC, sni;
STORE ordered INTO '$output/tls_sni' USING PigStorage('\t', '-schema');
