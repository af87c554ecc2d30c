-- Which TLS programs are there (by JA4), and which are rare?
--
-- One row a fingerprint, the rarest first:
--   ja4                 t (TCP), q (QUIC) or d (DTLS), version, with a name or not, counts, ALPN; ciphers; extensions
--   handshakes          how many
--   clients, servers    addresses
--   sni                 one of the names that were asked for
--   first, last         when, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

handshakes = LOAD '$pcap' USING TlsLoader('where=ja4 IS NOT NULL');
seen = FOREACH handshakes GENERATE ja4, src, dst, sni, ts;
fingerprints = FOREACH (GROUP seen BY ja4) {
    clients = DISTINCT seen.src;
    servers = DISTINCT seen.dst;
    GENERATE group AS ja4, COUNT_STAR(seen) AS handshakes, COUNT(clients) AS clients, COUNT(servers) AS servers,
        MIN(seen.sni) AS sni, MIN(seen.ts) AS first, MAX(seen.ts) AS last;
};
ordered = ORDER fingerprints BY clients, handshakes, ja4;
STORE ordered INTO '$output/tls_ja4' USING PigStorage('\t', '-schema');
