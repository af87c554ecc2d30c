-- Which packets were it? (From a finding back to the evidence: a part of an archive as captures for Wireshark.)
--
-- Captures with the packets for which $where is true, whole, with nanoseconds, in the order of the archive; one file a
-- task and link type. $where is an expression over the columns of PacketLoader, community_id and ts among them.
-- `bin/packetpig carve` does the same without Pig, into one file, by the time.
--
-- Parameters: pcap (captures), output (folder), where (an expression; all packets without it).
%default pcap 'tests/captures/demo'
%default output 'output'
%default where 'true'

packets = LOAD '$pcap' USING PacketLoader();
chosen = FILTER packets BY $where;
evidence = FOREACH chosen GENERATE ts_ns, length, link_type, frame;
STORE evidence INTO '$output/carve' USING PcapStorage();
