-- Which values does a header of HTTP have, message by message?
--
-- One row a header, in the order of time:
--   ts, src, sport, dst, dport   time of its message, seconds since the epoch; who asked whom
--   message                      request, response
--   value                        the header's value
--
-- Parameters: pcap (captures), output (folder), field (name of the header, or * for all).
%default pcap 'tests/captures/demo'
%default output 'output'
%default field 'server'

headers = LOAD '$pcap' USING HttpLoader('field=$field');
wanted = FOREACH headers GENERATE ts, src, sport, dst, dport, message, value;
ordered = ORDER wanted BY ts, src, sport, message, value;
STORE ordered INTO '$output/basic_http' USING PigStorage('\t', '-schema');
