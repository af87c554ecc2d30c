-- FIRST_SEEN(rows, key, ts): for each value of key: first_seen, last_seen (as ts), and how many rows (times)
-- Rows without key or ts do not count.
DEFINE FIRST_SEEN(rows, key, ts) RETURNS seen {
    keys = FOREACH $rows GENERATE $key AS key, $ts AS ts;
    present = FILTER keys BY key IS NOT NULL AND ts IS NOT NULL;
    groups = GROUP present BY key;
    $seen = FOREACH groups GENERATE
        group AS key, MIN(present.ts) AS first_seen, MAX(present.ts) AS last_seen, COUNT_STAR(present) AS times;
};

-- TOP_BY(rows, field, n): the n rows with the greatest values of a field, in that order; rows without it come last
DEFINE TOP_BY(rows, field, n) RETURNS top {
    sorted = ORDER $rows BY $field DESC;
    $top = LIMIT sorted $n;
};

-- TOP_VALUES(rows, field, n): the n most frequent values of a field (value) and in how many rows each is (times)
DEFINE TOP_VALUES(rows, field, n) RETURNS top {
    values = FOREACH $rows GENERATE $field AS value;
    present = FILTER values BY value IS NOT NULL;
    groups = GROUP present BY value;
    counts = FOREACH groups GENERATE group AS value, COUNT_STAR(present) AS times;
    sorted = ORDER counts BY times DESC, value;
    $top = LIMIT sorted $n;
};
