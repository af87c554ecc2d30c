-- How many things appeared for the first time, by kind?
-- Parameters: first_seen (table), output.
seen      = LOAD '$first_seen' USING ParquetLoader();
kinds     = GROUP seen BY kind;
new_kinds = FOREACH kinds GENERATE group AS kind, COUNT_STAR(seen) AS things;
STORE new_kinds INTO '$output/new_kinds' USING ParquetStorer();
