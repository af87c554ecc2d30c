-- What did sessions say that began in the window: names, handshakes, requests, files?
-- Parameters: captures (a list of captures: the window's, and what its sessions go on in), sessions (table), start, until
-- (seconds: what is read of them), output.
-- One process reads all captures of a sensor as one sequence; one decode serves all tables.
SET packetpig.split.bytes 'sensor'
SET pig.store.schema.disambiguate 'false'
rows  = LOAD '$captures' USING TrafficLoader('kinds=dns,tls,http,files', 'start=$start', 'end=$until');
named = FOREACH rows GENERATE dns, tls, http, files,
    (dns.session_id IS NOT NULL ? dns.session_id : (tls.session_id IS NOT NULL ? tls.session_id :
        (http.session_id IS NOT NULL ? http.session_id : files.session_id))) AS row_id;
began = LOAD '$sessions' USING ParquetLoader();
ids   = FOREACH began GENERATE session_id AS began_id;
mine  = JOIN ids BY began_id, named BY row_id;
SPLIT mine INTO of_dns IF dns.session_id IS NOT NULL, of_tls IF tls.session_id IS NOT NULL,
    of_http IF http.session_id IS NOT NULL, of_files IF files.session_id IS NOT NULL;
dns   = FOREACH of_dns GENERATE FLATTEN(dns);
tls   = FOREACH of_tls GENERATE FLATTEN(tls);
http  = FOREACH of_http GENERATE FLATTEN(http);
files = FOREACH of_files GENERATE FLATTEN(files);
STORE dns INTO '$output/dns' USING ParquetStorer();
STORE tls INTO '$output/tls' USING ParquetStorer();
STORE http INTO '$output/http' USING ParquetStorer();
STORE files INTO '$output/files' USING ParquetStorer();
