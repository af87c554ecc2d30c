-- Which TCP ports do most packets go to?
--
-- One row a port, most packets first, $top at most:
--   dport    port that packets went to
--   packets  packets that went there
--
-- Parameters: pcap (captures), output (folder), top (rows).
%default pcap 'tests/captures/demo'
%default output 'output'
%default top 10

packets = LOAD '$pcap' USING PacketLoader();
tcp = FILTER packets BY tcp_dport IS NOT NULL;
ports = FOREACH tcp GENERATE tcp_dport AS dport;
by_port = GROUP ports BY dport;
counts = FOREACH by_port GENERATE group AS dport, COUNT(ports) AS packets;
ordered = ORDER counts BY packets DESC, dport;
busiest = LIMIT ordered $top;
STORE busiest INTO '$output/basic_grouping' USING PigStorage(',', '-schema');
