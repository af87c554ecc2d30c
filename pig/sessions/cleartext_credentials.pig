-- Who sent passwords in the clear, to which servers, and were they accepted?
--
-- One row a protocol, client, server and name, those that were accepted first:
--   protocol, method      http, ftp, smtp, pop3, imap, telnet; basic, password, plain, login
--   src, dst, dport       client and server
--   user                  the name
--   secret                empty, unless asked for
--   sent, accepted        how often; how often the server took it
--   first, last           when, seconds since the epoch
--
-- The secrets themselves are shown with -p secret=secret only.
-- Parameters: pcap (captures), output (folder), secret (null, or secret to show them).
%default pcap 'tests/captures/demo'
%default output 'output'
%default secret 'null'

credentials = LOAD '$pcap' USING CredentialLoader();
sent = FOREACH credentials GENERATE
    protocol, method, src, dst, dport, user, (chararray)$secret AS secret, (accepted ? 1 : 0) AS taken, ts;
grouped = FOREACH (GROUP sent BY (protocol, method, src, dst, dport, user, secret)) GENERATE
    FLATTEN(group) AS (protocol, method, src, dst, dport, user, secret), COUNT_STAR(sent) AS sent,
    SUM(sent.taken) AS accepted, MIN(sent.ts) AS first, MAX(sent.ts) AS last;
ordered = ORDER grouped BY accepted DESC, sent DESC, first, user;
STORE ordered INTO '$output/cleartext_credentials' USING PigStorage('\t', '-schema');
