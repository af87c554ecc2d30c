-- What was asked and answered over HTTP?
--
-- One row an exchange, in the order of time:
--   ts, src, sport, dst, dport   time, seconds since the epoch; who asked whom
--   method, host, uri            the request; empty: it is not in the captures
--   status, content_type         the response, likewise
--   request_bytes                its body: chunks taken apart, decompressed
--   response_bytes               likewise
--   user_agent, referer          as the client says
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

exchanges = LOAD '$pcap' USING HttpLoader();
wanted = FOREACH exchanges GENERATE ts, src, sport, dst, dport, method, host, uri, status, content_type, request_bytes,
    response_bytes, user_agent, referer;
ordered = ORDER wanted BY ts, src, sport, uri;
STORE ordered INTO '$output/http' USING PigStorage('\t', '-schema');
