-- Which hosts are asked for over HTTP, and by which user agents?
-- Parameters: http (table), output.
http      = LOAD '$http' USING ParquetLoader();
requests  = FILTER http BY method IS NOT NULL;
by_host   = GROUP requests BY host;
all_hosts = FOREACH by_host GENERATE group AS host, COUNT_STAR(requests) AS requests, SUM(requests.response_bytes) AS bytes;
by_agent  = GROUP requests BY user_agent;
all_agents = FOREACH by_agent {
    clients = DISTINCT requests.src;
    GENERATE group AS user_agent, COUNT_STAR(requests) AS requests, COUNT(clients) AS clients, MIN(requests.ts) AS first, MAX(requests.ts) AS last;
};
STORE all_hosts INTO '$output/hosts' USING ParquetStorer();
STORE all_agents INTO '$output/agents' USING ParquetStorer();
