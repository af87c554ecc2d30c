-- How large are the packets?
--
-- One row a size, smallest first:
--   size   bytes of the IP packet, headers included
--   count  packets of that size
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
ip = FILTER packets BY ip_version IS NOT NULL;
sizes = FOREACH ip GENERATE ip_total_length AS size;
by_size = GROUP sizes BY size;
counts = FOREACH by_size GENERATE group AS size, COUNT_STAR(sizes) AS count;
ordered = ORDER counts BY size;
STORE ordered INTO '$output/histogram' USING PigStorage(',', '-schema');
