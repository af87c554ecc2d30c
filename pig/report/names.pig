-- Who asks for which domains, where do they lead, and for how long do answers hold?
-- Parameters: dns (table), output.
dns       = LOAD '$dns' USING ParquetLoader();
questions = FILTER dns BY section == 'question' AND kind == 'query';
asked     = FOREACH questions GENERATE src, LOWER(name) AS name, domains.registered_domain(name) AS registered, ts;
named     = FOREACH asked GENERATE src, name, (registered IS NULL ? name : registered) AS domain, ts;
refusals  = FILTER dns BY section == 'question' AND kind == 'response' AND rcode != 'NOERROR';
refused   = FOREACH refusals GENERATE LOWER(name) AS name, domains.registered_domain(name) AS registered;
refused   = FOREACH refused GENERATE (registered IS NULL ? name : registered) AS domain;
both      = COGROUP named BY domain, refused BY domain;
counted   = FOREACH both {
    clients = DISTINCT named.src;
    names   = DISTINCT named.name;
    GENERATE group AS domain, COUNT_STAR(named) AS questions, COUNT(clients) AS clients, COUNT(names) AS names,
        COUNT_STAR(refused) AS refused, MIN(named.ts) AS first, MAX(named.ts) AS last;
};
domains_all = FILTER counted BY domain IS NOT NULL;

pairs     = GROUP named BY (src, domain);
asks      = FOREACH pairs GENERATE 'asks' AS kind, FLATTEN(group) AS (source, target), COUNT_STAR(named) AS times;
answers   = FILTER dns BY section == 'answer' AND (type == 'A' OR type == 'AAAA') AND data IS NOT NULL;
led       = FOREACH answers GENERATE LOWER(name) AS name, domains.registered_domain(name) AS registered, data;
led       = FOREACH led GENERATE (registered IS NULL ? name : registered) AS domain, data;
ends      = GROUP led BY (domain, data);
leads     = FOREACH ends GENERATE 'leads' AS kind, FLATTEN(group) AS (source, target), COUNT_STAR(led) AS times;
links_all = UNION asks, leads;

held      = FILTER dns BY section == 'answer' AND ttl IS NOT NULL;
powers    = FOREACH held GENERATE (int) FLOOR(2.0 * LOG10((double) (ttl < 1 ? 1L : ttl))) AS power;
spans     = GROUP powers BY power;
ttls      = FOREACH spans GENERATE group AS power, COUNT_STAR(powers) AS answers;
STORE domains_all INTO '$output/domains' USING ParquetStorer();
STORE links_all INTO '$output/name_links' USING ParquetStorer();
STORE ttls INTO '$output/ttls' USING ParquetStorer();
