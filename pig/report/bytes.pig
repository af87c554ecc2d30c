-- What is the payload of some protocols made of: single bytes, and runs of three?
-- Parameters: captures, output.
singles = LOAD '$captures' USING NgramLoader('n=1', 'filter=any,tcp:80,tcp:443,tcp:22,udp:53,tcp:25', 'on_error=skip');
named   = FOREACH singles GENERATE $3 AS traffic, gram, count;
grouped = GROUP named BY (traffic, gram);
bytes   = FOREACH grouped GENERATE FLATTEN(group) AS (traffic, gram), SUM(named.count) AS count;
runs    = LOAD '$captures' USING NgramLoader('n=3', 'filter=tcp:80', 'on_error=skip');
web     = GROUP runs BY gram;
counted = FOREACH web GENERATE 'tcp:80' AS traffic, group AS gram, SUM(runs.count) AS count;
STORE bytes INTO '$output/bytes' USING ParquetStorer();
STORE counted INTO '$output/grams' USING ParquetStorer();
