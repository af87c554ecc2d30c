-- ENRICH_DOMAIN(rows, field): the rows, each with what somebody registered of a host's name as its last column, domain
DEFINE ENRICH_DOMAIN(rows, field) RETURNS enriched {
    $enriched = FOREACH $rows GENERATE *, domains.registered_domain($field) AS domain;
};

-- ENRICH_AGENT(rows, field): the rows, each with agent:(browser, system, device) of a user agent as its last column
DEFINE ENRICH_AGENT(rows, field) RETURNS enriched {
    $enriched = FOREACH $rows GENERATE *, web.agent($field) AS agent;
};
