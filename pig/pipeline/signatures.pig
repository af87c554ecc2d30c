-- Which rules alerted in the whole archive: since when, because of whom, about whom, and since when is the rule known?
-- Parameters: alerted (table of all windows), came (rules that came later than the first set of rules: gid, sid, since, change), began
-- (seconds: when the first set was used), output.
SET pig.store.schema.disambiguate 'false'
alerted = LOAD '$alerted' USING ParquetLoader();
pairs   = GROUP alerted BY (gid, sid, rev, priority, classification, message, sensor, opener, other);
sums    = FOREACH pairs GENERATE
    FLATTEN(group) AS (gid, sid, rev, priority, classification, message, sensor, opener, other), MIN(alerted.ts) AS ts, MAX(alerted.end_ts) AS end_ts,
    SUM(alerted.count) AS count;
rules   = GROUP sums BY (gid, sid, rev, priority, classification, message);
sighted = FOREACH rules {
    openers   = DISTINCT sums.opener;
    by_opener = ORDER openers BY opener;
    attackers = LIMIT by_opener 20;
    others    = DISTINCT sums.other;
    by_other  = ORDER others BY other;
    targets   = LIMIT by_other 20;
    places    = DISTINCT sums.sensor;
    sensors   = ORDER places BY sensor;
    GENERATE FLATTEN(group) AS (gid, sid, rev, priority, classification, message), SUM(sums.count) AS alerts, MIN(sums.ts) AS ts,
        MAX(sums.end_ts) AS last_ts, COUNT_STAR(openers) AS attackers, COUNT_STAR(others) AS targets,
        BagToString(attackers, '|') AS first_attackers, BagToString(targets, '|') AS first_targets, BagToString(sensors, '|') AS sensors;
};
came    = LOAD '$came' USING ParquetLoader();
dated   = JOIN sighted BY (gid, sid) LEFT OUTER, came BY (gid, sid) USING 'replicated';
known   = FOREACH dated GENERATE sighted::gid .. sighted::sensors, (came::sid IS NULL ? (double) $began : since) AS known_since,
    (came::sid IS NULL ? 0 : change) AS change;
signatures = FOREACH known GENERATE *, (change > 0 AND ts < known_since ? known_since - ts : 0.0) AS unseen_for;
STORE signatures INTO '$output/signatures' USING ParquetStorer();
