-- Which operating systems do hosts have, by how they speak?
-- Parameters: fingerprints (table), output.
prints  = LOAD '$fingerprints' USING ParquetLoader();
told    = FILTER prints BY os IS NOT NULL;
hosts   = FOREACH told GENERATE (subject == 'server' ? dst : src) AS host, os;
pairs   = GROUP hosts BY os;
systems = FOREACH pairs {
    each = DISTINCT hosts.host;
    GENERATE group AS os, COUNT(each) AS hosts;
};
STORE systems INTO '$output/systems' USING ParquetStorer();
