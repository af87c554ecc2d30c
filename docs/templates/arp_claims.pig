-- Which Ethernet addresses claim which IPv4 addresses?
--
-- One row a claim, oldest first:
--   first    first time, seconds since the epoch
--   src      IPv4 address
--   src_mac  Ethernet address; two for one src mean a conflict, or somebody in the middle
--   claims   how often
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

messages = LOAD '$pcap' USING ArpLoader();
by_claim = GROUP messages BY (src, src_mac);
claims = FOREACH by_claim GENERATE MIN(messages.ts) AS first, FLATTEN(group) AS (src, src_mac), COUNT(messages) AS claims;
ordered = ORDER claims BY first, src;
STORE ordered INTO '$output/arp_claims' USING PigStorage(',', '-schema');
