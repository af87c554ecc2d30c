-- Who asked for which names, and which addresses were they?
--
-- One row a question of a query, and one an answer of a response, in the order of time:
--   ts, id          time, seconds since the epoch; number of the message
--   mode            query, response
--   name            that was asked for, or that the answer is about
--   addr            its address, or what it stands for instead (CNAME, …)
--   ttl             seconds for which the answer may be kept
--   src, dst        who opened the session (the client), and the server
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

records = LOAD '$pcap' USING DnsLoader('where=kind == \'query\' AND section == \'question\' OR section == \'answer\'');
wanted = FOREACH records GENERATE ts, id, kind AS mode, name, data AS addr, ttl, src, dst;
ordered = ORDER wanted BY ts, id, mode, name, addr;
STORE ordered INTO '$output/dns' USING PigStorage('\t', '-schema');
