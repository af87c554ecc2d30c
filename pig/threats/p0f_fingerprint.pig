-- What does p0f learn of the hosts in the captures?
--
-- One row a record of p0f, by time, with all columns of FingerprintLoader (`bin/packetpig describe p0f`).
--
-- Parameters: pcap (captures), output (folder), mods (which kinds of record, a regular expression).
%default pcap 'tests/captures/demo'
%default output 'output'
%default mods '.*'

records = LOAD '$pcap' USING FingerprintLoader();
chosen = FILTER records BY mod MATCHES '$mods';
whole = FOREACH chosen GENERATE sensor, capture, (bigdecimal) ts AS ts, community_id .. raw_hits;
ordered = ORDER whole BY ts, src, sport, mod, subject;
STORE ordered INTO '$output/p0f_fingerprint' USING PigStorage('\t', '-schema');
