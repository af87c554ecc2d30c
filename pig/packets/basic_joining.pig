-- Which addresses sent packets in both of two captures?
--
-- One row an address, by address:
--   src            the address
--   first, second  packets that it sent in the first capture, and in the second
--
-- Parameters: pcap_first, pcap_second (captures), output (folder).
%default pcap_first 'tests/captures/demo/2024-03-04*'
%default pcap_second 'tests/captures/demo/2024-03-07*'
%default output 'output'

before = LOAD '$pcap_first' USING PacketLoader();
before_ip = FILTER before BY ip_src IS NOT NULL;
before_by_src = GROUP before_ip BY ip_src;
sent_before = FOREACH before_by_src GENERATE group AS src, COUNT_STAR(before_ip) AS packets;

after = LOAD '$pcap_second' USING PacketLoader();
after_ip = FILTER after BY ip_src IS NOT NULL;
after_by_src = GROUP after_ip BY ip_src;
sent_after = FOREACH after_by_src GENERATE group AS src, COUNT_STAR(after_ip) AS packets;

joined = JOIN sent_before BY src, sent_after BY src;
both = FOREACH joined GENERATE
    sent_before::src AS src, sent_before::packets AS first, sent_after::packets AS second;
ordered = ORDER both BY src;
STORE ordered INTO '$output/basic_joining' USING PigStorage(',', '-schema');
