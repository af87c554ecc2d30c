-- Which sessions lasted longest?
--
-- One row a session, longest first, $limit at most:
--   ts                   time of the first packet, seconds since the epoch
--   duration             seconds
--   src, dst, dport      who opened it, to whom
--   proto, service       protocol; what it speaks, if that is known
--   state, end_state     how it went and ended
--   src_bytes, dst_bytes payload from and to the side that opened
--
-- Parameters: pcap (captures), output (folder), limit (rows).
%default pcap 'tests/captures/demo'
%default output 'output'
%default limit 100

sessions = SESSIONS('$pcap', 'duration > 0');
wanted = FOREACH sessions GENERATE
    ts, duration, src, dst, dport, proto, service, state, end_state, src_bytes, dst_bytes;
ordered = ORDER wanted BY duration DESC, ts, src, dst, dport;
longest = LIMIT ordered $limit;
STORE longest INTO '$output/long_sessions' USING PigStorage(',', '-schema');
