-- Where do alerts come from: which sources, in which countries, and when?
-- Parameters: alerts, enriched (tables), step (seconds of a bin), output.
alerts    = LOAD '$alerts' USING ParquetLoader();
places    = LOAD '$enriched' USING ParquetLoader();
known     = FOREACH places GENERATE ip, country, as_org;
once      = GROUP known BY ip;
places    = FOREACH once GENERATE group AS ip, MAX(known.country) AS country, MAX(known.as_org) AS as_org;
-- an alert for each source and bin, before the join: there are fewer of them
binned    = FOREACH alerts GENERATE src, (double) ((long) (ts / $step) * (long) $step) AS bin, priority, dst, ts;
groups    = GROUP binned BY (src, bin, priority, dst);
parts     = FOREACH groups GENERATE
    FLATTEN(group) AS (src, bin, severity, dst), COUNT_STAR(binned) AS alerts, MIN(binned.ts) AS first, MAX(binned.ts) AS last;
joined    = JOIN parts BY src LEFT OUTER, places BY ip;
placed    = FOREACH joined GENERATE src, bin, severity, dst, alerts, first, last, country, as_org;

by_source = GROUP placed BY (src, country, as_org);
sources   = FOREACH by_source {
    dsts = DISTINCT placed.dst;
    GENERATE FLATTEN(group) AS (src, country, as_org), MIN(placed.severity) AS severity, SUM(placed.alerts) AS alerts,
        COUNT(dsts) AS targets, MIN(placed.first) AS first, MAX(placed.last) AS last;
};
by_place  = GROUP sources BY country;
countries = FOREACH by_place GENERATE
    group AS country, MIN(sources.severity) AS severity, SUM(sources.alerts) AS alerts, COUNT_STAR(sources) AS sources,
    MIN(sources.first) AS first, MAX(sources.last) AS last;
by_time   = GROUP placed BY (country, bin, severity);
country_times = FOREACH by_time GENERATE FLATTEN(group) AS (country, ts, severity), SUM(placed.alerts) AS alerts;
STORE sources INTO '$output/attackers' USING ParquetStorer();
STORE countries INTO '$output/countries' USING ParquetStorer();
STORE country_times INTO '$output/country_times' USING ParquetStorer();
