-- How long may answers be kept? Short times are those of CDNs, dynamic names, and of malware that moves.
--
-- One row a name and time to live of answers, the shortest first:
--   name, ttl       name, seconds
--   answers         how often it was answered so
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

answers = LOAD '$pcap' USING DnsLoader('where=section == \'answer\' AND ttl > 0');
times = FOREACH answers GENERATE LOWER(name) AS name, ttl;
grouped = GROUP times BY (name, ttl);
counted = FOREACH grouped GENERATE group.name AS name, group.ttl AS ttl, COUNT_STAR(times) AS answers;
ordered = ORDER counted BY ttl, answers DESC, name;
STORE ordered INTO '$output/dns_response_ttl' USING PigStorage('\t', '-schema');
