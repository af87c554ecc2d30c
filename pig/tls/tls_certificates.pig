-- Which servers' certificates are expired, about to expire, self-signed, or by an issuer that hardly anybody uses?
--
-- One row a certificate that was sent in the clear (TLS up to 1.2), those with most faults first:
--   subject, issuer, names   who, by whom, and for which names and addresses
--   not_before, not_after    from when to when it is valid, seconds since the epoch
--   faults                   expired, early (not valid yet), expiring (within $days days), self-signed, rare (the issuer
--                            has no other certificate in these captures), long (valid for more than 398 days)
--   servers, handshakes      addresses that sent it, and how often
--   first, last              when
--   sha256                   of it
--
-- Parameters: pcap (captures), output (folder), days.
%default pcap 'tests/captures/demo'
%default output 'output'
%default days 30

handshakes = LOAD '$pcap' USING TlsLoader('where=cert_sha256 IS NOT NULL');
seen = FOREACH handshakes GENERATE cert_sha256, subject, issuer, cert_names, not_before, not_after, dst, ts;
certificates = FOREACH (GROUP seen BY (cert_sha256, subject, issuer, cert_names, not_before, not_after)) {
    servers = DISTINCT seen.dst;
    GENERATE FLATTEN(group) AS (sha256, subject, issuer, names, not_before, not_after), COUNT(servers) AS servers,
        COUNT_STAR(seen) AS handshakes, MIN(seen.ts) AS first, MAX(seen.ts) AS last;
};
issuers = FOREACH (GROUP certificates BY issuer) GENERATE
    COUNT_STAR(certificates) AS issued, FLATTEN(certificates) AS (
        sha256, subject, issuer, names, not_before, not_after, servers, handshakes, first, last);
judged = FOREACH issuers GENERATE
    subject, issuer, names, not_before, not_after,
    (last > not_after ? ' expired' : '') AS expired, (first < not_before ? ' early' : '') AS early,
    (last <= not_after AND last > not_after - $days * 86400.0 ? ' expiring' : '') AS expiring,
    (subject == issuer ? ' self-signed' : '') AS own, (issued == 1 ? ' rare' : '') AS rare,
    (not_after - not_before > 398 * 86400.0 ? ' long' : '') AS long_valid,
    servers, handshakes, first, last, sha256;
faulty = FOREACH judged GENERATE
    subject, issuer, names, not_before, not_after,
    TRIM(CONCAT(expired, early, expiring, own, rare, long_valid)) AS faults, servers, handshakes, first, last, sha256;
ordered = ORDER faulty BY faults DESC, subject, sha256;
STORE ordered INTO '$output/tls_certificates' USING PigStorage('\t', '-schema');
