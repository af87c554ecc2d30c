-- What is known of each address: its names, the services that it gives, the programs that it runs?
--
-- One row an address that offers something or was named, the first $most of each kind:
--   address       the address
--   names         as DNS answers (A, AAAA) and TLS clients call it
--   services      protocol, port and what is spoken, where it answered with data: tcp/443/tls
--   software      as HTTP clients (User-Agent) and servers (Server) on it call themselves, with |
--   tls_programs  JA4 of the TLS clients on it
--   clients       how many addresses it served
--   first, last   when it was seen so, seconds since the epoch
--
-- Parameters: pcap (captures), output (folder), most (values of each kind).
%default pcap 'tests/captures/demo'
%default output 'output'
%default most 20

sessions, dns, http, tls, files = TRAFFIC('$pcap', 'sessions,dns,http,tls');
answered = FILTER sessions BY (proto == 'tcp' OR proto == 'udp') AND dst_bytes > 0 AND service IS NOT NULL;
services = FOREACH answered GENERATE
    dst AS address, 'service' AS kind, CONCAT(proto, '/', (chararray) dport, '/', service) AS value, src AS client, ts;
answers = FILTER dns BY section == 'answer' AND (type == 'A' OR type == 'AAAA');
named = FOREACH answers GENERATE data AS address, 'name' AS kind, LOWER(name) AS value, '' AS client, ts;
taken = FILTER tls BY cipher IS NOT NULL;
called = FOREACH taken GENERATE dst AS address, 'name' AS kind, LOWER(sni) AS value, '' AS client, ts;
programs = FOREACH tls GENERATE src AS address, 'program' AS kind, ja4 AS value, '' AS client, ts;
agents = FOREACH http GENERATE src AS address, 'software' AS kind, user_agent AS value, '' AS client, ts;
headers = FOREACH http GENERATE dst, ts, FLATTEN(response_headers) AS (header, content);
named_so = FILTER headers BY LOWER(header) == 'server';
servers = FOREACH named_so GENERATE dst AS address, 'software' AS kind, content AS value, '' AS client, ts;
all_facts = UNION services, named, called, programs, agents, servers;
facts = FILTER all_facts BY value IS NOT NULL;
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
    software = FILTER facts BY kind == 'software';
    software_values = DISTINCT software.value;
    software_in_order = ORDER software_values BY value;
    few_software = LIMIT software_in_order $most;
    clients = DISTINCT services.client;
    GENERATE group AS address, BagToString(few_names, ' ') AS names, BagToString(few_services, ' ') AS services,
        BagToString(few_software, ' | ') AS software, BagToString(few_programs, ' ') AS tls_programs, COUNT(clients) AS clients, MIN(facts.ts) AS first,
        MAX(facts.ts) AS last;
};
ordered = ORDER hosts BY clients DESC, address;
STORE ordered INTO '$output/host_inventory' USING PigStorage('\t', '-schema');
