-- All IP packets, with the fields of their IP, TCP and UDP headers. (An example to begin with; packets has every column.)
--
-- One row a packet: ts (seconds since the epoch), ip_version to ip_dst, tcp_sport to udp_checksum, as
-- `bin/packetpig describe packets` explains them. A layer that is not there is empty.
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_version IS NOT NULL;
headers = FOREACH ip GENERATE (bigdecimal) ts AS ts, ip_version .. ip_dst, tcp_sport .. udp_checksum;
STORE headers INTO '$output/basic_packets' USING PigStorage(',', '-schema');
