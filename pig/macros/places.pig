-- ENRICH_GEO(rows, field): the rows, each with the place of an address as its last column:
--   place:(country, country_name, city, lat, lon, asn, as_org), null where the field is no address
-- The bridge remembers answers, so that a task asks Python once for a value that comes often; there is no shuffle, and
-- columns keep their names. (docs/functions.md has the figures, and what each country means.)
DEFINE ENRICH_GEO(rows, field) RETURNS enriched {
    $enriched = FOREACH $rows GENERATE *, geo.place($field) AS place;
};

-- ENRICH_GEO_AS(rows, field, name): the same with another name for the column, where rows have two addresses:
--   a = ENRICH_GEO_AS(sessions, src, src_place); b = ENRICH_GEO_AS(a, dst, dst_place);
DEFINE ENRICH_GEO_AS(rows, field, name) RETURNS enriched {
    $enriched = FOREACH $rows GENERATE *, geo.place($field) AS $name;
};

-- ENRICH_GEO_ONCE(rows, field): the same by a join: Python is asked once for each distinct value in the whole job. Reads
-- the rows twice, and holds all distinct values in the memory of each task (about 1 KB each). Columns of the rows are
-- called `rows::ts` (or `ts`); place has the address (ip) as its first field. For Pigs without the bridge, too.
DEFINE ENRICH_GEO_ONCE(rows, field) RETURNS enriched {
    values = FOREACH $rows GENERATE $field AS value;
    present = FILTER values BY value IS NOT NULL;
    unique = DISTINCT present;
    found = FOREACH unique GENERATE value, FLATTEN(geo.place(value));
    places = FOREACH found GENERATE
        TOTUPLE(value, country, country_name, city, lat, lon, asn, as_org) AS place:(ip:chararray, country:chararray,
            country_name:chararray, city:chararray, lat:double, lon:double, asn:int, as_org:chararray);
    $enriched = JOIN $rows BY $field LEFT OUTER, places BY place.ip USING 'replicated';
};
