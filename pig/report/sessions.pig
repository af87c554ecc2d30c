-- Which protocols, ports, ends and durations do sessions have?
-- Parameters: sessions (table), output.
sessions  = LOAD '$sessions' USING ParquetLoader();
kinds     = GROUP sessions BY (service, proto);
services  = FOREACH kinds GENERATE
    FLATTEN(group) AS (service, proto), COUNT_STAR(sessions) AS sessions, SUM(sessions.src_bytes) AS src_bytes, SUM(sessions.dst_bytes) AS dst_bytes;
called    = FOREACH sessions GENERATE proto, dport AS port, src_ip_bytes + dst_ip_bytes AS bytes;
doors     = GROUP called BY (proto, port);
all_ports = FOREACH doors GENERATE FLATTEN(group) AS (proto, port), COUNT_STAR(called) AS sessions, SUM(called.bytes) AS bytes;
ends      = GROUP sessions BY state;
states    = FOREACH ends GENERATE group AS state, COUNT_STAR(sessions) AS sessions;
-- half powers of ten: 0 is 1 s, 1 is 3.16 s; what took no time is with the microseconds
taken     = FOREACH sessions GENERATE (int) FLOOR(2.0 * LOG10((duration < 1.0E-6 ? 1.0E-6 : duration))) AS power;
spans     = GROUP taken BY power;
durations = FOREACH spans GENERATE group AS power, COUNT_STAR(taken) AS sessions;
STORE services INTO '$output/services' USING ParquetStorer();
STORE all_ports INTO '$output/ports' USING ParquetStorer();
STORE states INTO '$output/states' USING ParquetStorer();
STORE durations INTO '$output/durations' USING ParquetStorer();
