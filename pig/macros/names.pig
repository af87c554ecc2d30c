-- ENRICH_DOMAIN(rows, field): the rows, each with what somebody registered of a host's name as its last column, domain
DEFINE ENRICH_DOMAIN(rows, field) RETURNS enriched {
    $enriched = FOREACH $rows GENERATE *, domains.registered_domain($field) AS domain;
};

-- ENRICH_AGENT(rows, field): the rows, each with agent:(browser, system, device) of a user agent as its last column
DEFINE ENRICH_AGENT(rows, field) RETURNS enriched {
    $enriched = FOREACH $rows GENERATE *, web.agent($field) AS agent;
};

-- BELOW_DOMAINS(rows): those rows whose name lies below a domain: what somebody registered, or the last two labels of it
--   The columns of rows, then registered, ending, domain, and size: characters of the name that stand before the domain.
DEFINE BELOW_DOMAINS(rows) RETURNS sized {
    placed = FOREACH $rows GENERATE
        *, domains.registered_domain(name) AS registered, REGEX_EXTRACT(name, '([^.]+[.][^.]+)$', 1) AS ending;
    below = FOREACH placed GENERATE *, (registered IS NULL ? ending : registered) AS domain;
    parts = FILTER below BY domain IS NOT NULL AND SIZE(name) > SIZE(domain) + 1;
    $sized = FOREACH parts GENERATE *, SIZE(name) - SIZE(domain) - 1 AS size;
};
