-- How did each TCP conversation go?
--
-- One row a conversation, in time order:
--   ts           time of the first packet, seconds since the epoch
--   src, sport   the side that opened
--   dst, dport   the other side
--   end_state    close, reset, timeout, or open
--   packets      in both directions
--   mean_gap     seconds from packet to packet
--   longest_gap  seconds
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

sessions = LOAD '$pcap' USING SessionLoader();
tcp = FILTER sessions BY proto == 'tcp';
info = FOREACH tcp GENERATE
    ts, src, sport, dst, dport, end_state, src_packets + dst_packets AS packets,
    AVG(intervals.gap) AS mean_gap, MAX(intervals.gap) AS longest_gap;
ordered = ORDER info BY ts, src, sport, dst, dport;
STORE ordered INTO '$output/conversation_info' USING PigStorage(',', '-schema');
