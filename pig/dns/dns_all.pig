-- What do all DNS messages say, every section and type, over UDP and TCP?
--
-- One row a question or record, in the order of time; columns as `bin/packetpig describe dns` has them.
--
-- Parameters: pcap (captures), output (folder), opt (yes: OPT too), multicast (yes: mDNS and LLMNR too).
%default pcap 'tests/captures/demo'
%default output 'output'
%default opt 'yes'
%default multicast 'yes'

records = LOAD '$pcap' USING DnsLoader('opt=$opt', 'multicast=$multicast');
wanted = FOREACH records GENERATE
    ts, src, sport, dst, dport, proto, id, kind, opcode, rcode, flags, section, name, class, type, ttl, data;
ordered = ORDER wanted BY ts, id, kind, section, name, type, data;
STORE ordered INTO '$output/dns_all' USING PigStorage('\t', '-schema');
