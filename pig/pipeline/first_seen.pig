-- What appeared when for the first time in the whole archive, and which captures have most that is new?
-- Parameters: seen (table of all windows), output.
SET pig.store.schema.disambiguate 'false'
seen       = LOAD '$seen' USING ParquetLoader();
keyed      = FOREACH seen GENERATE kind, value, ts, last_ts, times,
    CONCAT(SPRINTF('%020.6f', ts), SPRINTF('%-40s', (session_id IS NULL ? '' : session_id)), SPRINTF('%-50s', (host IS NULL ? '' : host)), sensor, '\t', capture) AS first;
things     = GROUP keyed BY (kind, value);
earliest   = FOREACH things GENERATE
    FLATTEN(group) AS (kind, value), MIN(keyed.ts) AS ts, MAX(keyed.last_ts) AS last_ts, SUM(keyed.times) AS times, MIN(keyed.first) AS first;
first_seen = FOREACH earliest GENERATE
    kind, value, ts, last_ts, times, TRIM(SUBSTRING(first, 60, 110)) AS host, REGEX_EXTRACT(SUBSTRING(first, 110, 5000), '^([^\t]*)\t', 1) AS sensor,
    REGEX_EXTRACT(first, '\t(.*)$', 1) AS capture, TRIM(SUBSTRING(first, 20, 60)) AS session_id;

by_capture = GROUP seen BY (sensor, capture);
had        = FOREACH by_capture GENERATE FLATTEN(group) AS (sensor, capture), MIN(seen.ts) AS ts, COUNT_STAR(seen) AS things;
by_first   = GROUP first_seen BY (sensor, capture);
fresh      = FOREACH by_first GENERATE FLATTEN(group) AS (sensor, capture), COUNT_STAR(first_seen) AS fresh;
both       = JOIN had BY (sensor, capture) LEFT OUTER, fresh BY (sensor, capture);
shares     = FOREACH both GENERATE
    had::sensor AS sensor, had::capture AS capture, ts AS ts, things AS things, (fresh IS NULL ? 0L : fresh) AS new_things,
    (fresh IS NULL ? 0.0 : (double) fresh / things) AS share;
novelty    = ORDER shares BY share DESC, new_things DESC, ts;
STORE first_seen INTO '$output/first_seen' USING ParquetStorer();
STORE novelty INTO '$output/novelty' USING ParquetStorer();
