-- What do the TCP packets carry?
--
-- One row a TCP packet with payload: ts (seconds since the epoch), ip_version to ip_dst, tcp_sport to tcp_len, as
-- `bin/packetpig describe packets` explains them, and
--   tcp_data  the payload as it was captured, in hexadecimal
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
tcp = FILTER packets BY tcp_len > 0;
data = FOREACH tcp GENERATE
    (bigdecimal) ts AS ts, ip_version .. ip_dst, tcp_sport .. tcp_len, text.hex(payload) AS tcp_data;
STORE data INTO '$output/basic_data' USING PigStorage(',', '-schema');
