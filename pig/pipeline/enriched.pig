-- Where are the addresses of the window's sessions: country, city, coordinates, AS?
-- Parameters: sessions (table), output.
sessions  = LOAD '$sessions' USING ParquetLoader();
sides     = FOREACH sessions GENERATE FLATTEN(TOBAG(src, dst)) AS ip;
known     = FILTER sides BY ip IS NOT NULL;
addresses = DISTINCT known;
enriched  = FOREACH addresses GENERATE ip, FLATTEN(geo.place(ip)) AS (country, country_name, city, lat, lon, asn, as_org);
STORE enriched INTO '$output/enriched' USING ParquetStorer();
