-- Which rules alerted in the window, because of whom, about whom, and how often in a day?
-- Parameters: alerts (table), output.
alerts  = LOAD '$alerts' USING ParquetLoader();
sided   = FOREACH alerts GENERATE
    sensor, (client IS NULL ? src : client) AS opener, (client IS NULL OR client == src ? dst : src) AS other, gid, sid, rev, priority,
    classification, message, service, (long) (ts / 86400) AS day, ts, CONCAT(SPRINTF('%020.6f', ts), (session_id IS NULL ? '' : session_id)) AS first;
by_rule = GROUP sided BY (sensor, opener, other, gid, sid, rev, priority, classification, message, service, day);
alerted = FOREACH by_rule GENERATE
    FLATTEN(group) AS (sensor, opener, other, gid, sid, rev, priority, classification, message, service, day),
    MIN(sided.ts) AS ts, MAX(sided.ts) AS end_ts, COUNT_STAR(sided) AS count, MIN(sided.first) AS first;
STORE alerted INTO '$output/alerted' USING ParquetStorer();
