-- What was alerted, when, by how many, and how severe was it?
-- Parameters: alerts (table), step (seconds of a bin), output.
alerts      = LOAD '$alerts' USING ParquetLoader();
binned      = FOREACH alerts GENERATE (double) ((long) (ts / $step) * (long) $step) AS ts, priority AS severity;
bins        = GROUP binned BY (ts, severity);
alert_times = FOREACH bins GENERATE FLATTEN(group) AS (ts, severity), COUNT_STAR(binned) AS alerts;
kinds       = GROUP alerts BY (gid, sid, message);
signatures  = FOREACH kinds {
    from_all = DISTINCT alerts.src;
    to_all   = DISTINCT alerts.dst;
    GENERATE FLATTEN(group) AS (gid, sid, message), MIN(alerts.priority) AS severity, COUNT_STAR(alerts) AS alerts,
        COUNT(from_all) AS sources, COUNT(to_all) AS targets, MIN(alerts.ts) AS first, MAX(alerts.ts) AS last;
};
STORE alert_times INTO '$output/alert_times' USING ParquetStorer();
STORE signatures INTO '$output/signatures' USING ParquetStorer();
