-- Which windows of time do these captures have packets of, and how many?
-- Parameters: captures (a list of captures), seconds (of a window), output.
volumes = LOAD '$captures' USING VolumeLoader('time=$seconds', 'on_error=skip');
known   = FOREACH volumes GENERATE capture, sensor, ts, packets, first_ts, last_ts;
groups  = GROUP known BY (sensor, capture, ts);
windows = FOREACH groups GENERATE
    group.sensor AS sensor, group.capture AS capture, (long) group.ts AS start, SUM(known.packets) AS packets,
    MIN(known.first_ts) AS first_ts, MAX(known.last_ts) AS last_ts;
STORE windows INTO '$output/ingested' USING ParquetStorer();
