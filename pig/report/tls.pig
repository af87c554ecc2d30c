-- Which names do clients ask for in TLS?
-- Parameters: tls (table), output.
tls       = LOAD '$tls' USING ParquetLoader();
by_name   = GROUP tls BY sni;
all_names = FOREACH by_name GENERATE group AS sni, COUNT_STAR(tls) AS handshakes, MIN(tls.ts) AS first, MAX(tls.ts) AS last;
STORE all_names INTO '$output/tls_names' USING ParquetStorer();
