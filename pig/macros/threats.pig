-- What is known around an alert.
--
--   SYSTEMS(records)              host, os: what p0f thinks of each host, from rows of FingerprintLoader; the three most
--       frequent with |; where it knows none, its most frequent signature of TCP

DEFINE SYSTEMS(records) RETURNS systems {
    stacks = FILTER $records BY mod == 'syn' OR mod == 'syn+ack';
    named = FOREACH stacks GENERATE (subject == 'client' ? src : dst) AS host, (os IS NULL ? raw_sig : os) AS os,
        (os IS NULL ? 0 : 1) AS known;
    counted = FOREACH (GROUP named BY (host, os, known)) GENERATE
        FLATTEN(group) AS (host, os, known), COUNT_STAR(named) AS times;
    $systems = FOREACH (GROUP counted BY host) {
        named_ones = FILTER counted BY known == 1;
        by_name = ORDER named_ones BY times DESC, os;
        best = LIMIT by_name 3;
        by_times = ORDER counted BY times DESC, os;
        raw = LIMIT by_times 1;
        GENERATE group AS host, (COUNT(named_ones) > 0 ? BagToString(best.os, '|') : BagToString(raw.os, '|')) AS os;
    };
};
