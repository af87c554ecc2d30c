-- What is known of each address: its names, the services that it gives, the programs that it runs?
--
-- One row an address that offers something or was named, the first $most of each kind:
--   address       the address
--   names         as DNS answers (A, AAAA) and TLS clients call it
--   services      protocol, port and what is spoken, where it answered with data: tcp/443/tls
--   tls_programs  JA4 of the TLS clients on it
--   clients       how many addresses it served
--   first, last   when it was seen so, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder), most (values of each kind).
%default pcap 'tests/captures/demo'
%default output 'output'
%default most 20

sessions = SESSIONS('$pcap', '(proto == \'tcp\' OR proto == \'udp\') AND dst_bytes > 0 AND service IS NOT NULL');
services = FOREACH sessions GENERATE
    dst AS address, 'service' AS kind, CONCAT(proto, '/', (chararray) dport, '/', service) AS value, src AS client, ts;
answers = LOAD '$pcap' USING DnsLoader('where=section == \'answer\' AND type IN (\'A\', \'AAAA\')');
named = FOREACH answers GENERATE data AS address, 'name' AS kind, LOWER(name) AS value, '' AS client, ts;
handshakes = LOAD '$pcap' USING TlsLoader();
-- one FOREACH for both facts: two branches with a UNION would read the captures twice
both = FOREACH handshakes GENERATE ts, FLATTEN(TOBAG(
        TOTUPLE(dst, 'name', (cipher IS NULL ? (chararray) null : LOWER(sni))), TOTUPLE(src, 'program', ja4)))
    AS (address:chararray, kind:chararray, value:chararray);
told = FILTER both BY value IS NOT NULL;
tls_facts = FOREACH told GENERATE address, kind, value, '' AS client, ts;
facts = UNION services, named, tls_facts;
hosts = FOREACH (GROUP facts BY address) {
    services = FILTER facts BY kind == 'service';
    service_values = DISTINCT services.value;
    services_in_order = ORDER service_values BY value;
    few_services = LIMIT services_in_order $most;
    names = FILTER facts BY kind == 'name';
    name_values = DISTINCT names.value;
    names_in_order = ORDER name_values BY value;
    few_names = LIMIT names_in_order $most;
    programs = FILTER facts BY kind == 'program';
    program_values = DISTINCT programs.value;
    programs_in_order = ORDER program_values BY value;
    few_programs = LIMIT programs_in_order $most;
    clients = DISTINCT services.client;
    GENERATE group AS address, BagToString(few_names, ' ') AS names, BagToString(few_services, ' ') AS services,
        BagToString(few_programs, ' ') AS tls_programs, COUNT(clients) AS clients, MIN(facts.ts) AS first,
        MAX(facts.ts) AS last;
};
ordered = ORDER hosts BY clients DESC, address;
STORE ordered INTO '$output/host_inventory' USING PigStorage('\t', '-schema');
