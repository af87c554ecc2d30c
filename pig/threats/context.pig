-- What was going on around each alert: session, web request, TLS handshake, files, DNS answer before it, both systems?
--
-- One row an alert, by time; what was not there is empty:
--   sensor, capture, ts, engine, priority, gid, sid, rev, message   the alert
--   src, sport, dst, dport, proto      of the packets that the engine saw
--   session_id, session_ts, client, server, port, service, state    its session; client is who opened it
--   method, host, uri, status, user_agent    the exchange over HTTP that it is in: the last one begun up to then
--   tls_version, sni, ja4, issuer      the TLS handshake, likewise
--   file_names, file_types, sha256s    files of that exchange, or the last one of the session, with |
--   looked_up, looked_up_ts            the last DNS answer up to then that gave the client the server's address
--   client_os, server_os               what p0f thinks of them
--
-- Parameters: pcap (captures), output (folder), engine (snort, suricata, auto), rules (file or folder; empty: our own),
-- priority (alerts up to this one).
%default pcap 'tests/captures/demo'
%default output 'output'
%default engine 'auto'
%default rules ''
%default priority 255

alerts = LOAD '$pcap' USING SnortLoader('engine=$engine', 'rules=$rules');
bad = FILTER alerts BY priority IS NULL OR priority <= $priority;
rows = FOREACH bad GENERATE sensor AS sensor, community_id AS community_id, ts AS ts,
    TOTUPLE(sensor, capture, ts, engine, priority, gid, sid, rev, message, src, sport, dst, dport, proto)
        AS alert:(sensor:chararray, capture:chararray, ts:double, engine:chararray, priority:int, gid:int, sid:long, rev:int,
            message:chararray, src:chararray, sport:int, dst:chararray, dport:int, proto:chararray),
    (client IS NULL ? src : client) AS opener, (client IS NULL OR client == src ? dst : src) AS other;
sessions, dns, http, tls, files = TRAFFIC('$pcap', 'sessions,dns,http,tls,files');
joined = WITH_SESSION(rows, sessions);
placed = FOREACH joined GENERATE alert AS alert, session_id AS session_id, session_ts AS session_ts,
    session_from AS begin, session_until AS end, (session_id IS NULL ? opener : src) AS client,
    (session_id IS NULL ? other : dst) AS server, dport AS port, service AS service, state AS state,
    CONCAT(alert.sensor, ' ', community_id) AS flow,
    CONCAT(alert.sensor, ' ', (session_id IS NULL ? opener : src), ' ', (session_id IS NULL ? other : dst)) AS pair,
    alert.ts AS ts;

exchanges = FOREACH http GENERATE CONCAT(sensor, ' ', community_id) AS flow, ts, method, host, uri, status, user_agent;
handshakes = FOREACH tls GENERATE CONCAT(sensor, ' ', community_id) AS flow, ts, version, sni, ja4, issuer;
carried = FOREACH files GENERATE CONCAT(sensor, ' ', community_id) AS flow, ts, protocol, name, mime, sha256;
flows = COGROUP placed BY flow INNER, exchanges BY flow, handshakes BY flow, carried BY flow;
around = FOREACH flows GENERATE group AS match_flow, FLATTEN(context.around(placed.(ts, begin, end),
    exchanges.(ts, method, host, uri, status, user_agent), handshakes.(ts, version, sni, ja4, issuer),
    carried.(ts, protocol, name, mime, sha256))) AS (asked, method, host, uri, status, user_agent, tls_version, sni, ja4,
    issuer, file_names, file_types, sha256s);
told = JOIN placed BY (flow, ts) LEFT OUTER, around BY (match_flow, asked);

found = FILTER dns BY section == 'answer' AND (type == 'A' OR type == 'AAAA');
answers = FOREACH found GENERATE CONCAT(sensor, ' ', src, ' ', data) AS pair, ts, LOWER(name) AS name;
pairs = COGROUP placed BY pair INNER, answers BY pair INNER;
lookups = FOREACH pairs GENERATE group AS lookup_pair,
    FLATTEN(context.lookups(placed.ts, answers.(ts, name))) AS (lookup_asked, looked_up, looked_up_ts);
named = JOIN told BY (pair, ts) LEFT OUTER, lookups BY (lookup_pair, lookup_asked);

records = LOAD '$pcap' USING FingerprintLoader();
systems = SYSTEMS(records);
first = JOIN named BY client LEFT OUTER, systems BY host;
clients = FOREACH first GENERATE
    alert AS alert, session_id AS session_id, session_ts AS session_ts, client AS client, server AS server, port AS port,
    service AS service, state AS state, method AS method, around::host AS host, uri AS uri, status AS status,
    user_agent AS user_agent, tls_version AS tls_version, sni AS sni, ja4 AS ja4, issuer AS issuer,
    file_names AS file_names, file_types AS file_types, sha256s AS sha256s, looked_up AS looked_up,
    looked_up_ts AS looked_up_ts, systems::os AS client_os;
second = JOIN clients BY server LEFT OUTER, systems BY host;
whole = FOREACH second GENERATE alert.sensor AS sensor, alert.capture AS capture, (bigdecimal) alert.ts AS ts,
    alert.engine AS engine, alert.priority AS priority, alert.gid AS gid, alert.sid AS sid, alert.rev AS rev,
    alert.message AS message, alert.src AS src, alert.sport AS sport, alert.dst AS dst, alert.dport AS dport,
    alert.proto AS proto, session_id AS session_id, (bigdecimal) session_ts AS session_ts, client AS client,
    server AS server, port AS port, service AS service, state AS state, method AS method, clients::host AS host,
    uri AS uri, status AS status, user_agent AS user_agent, tls_version AS tls_version, sni AS sni, ja4 AS ja4,
    issuer AS issuer, file_names AS file_names, file_types AS file_types, sha256s AS sha256s, looked_up AS looked_up,
    (bigdecimal) looked_up_ts AS looked_up_ts, client_os AS client_os, systems::os AS server_os;
ordered = ORDER whole BY ts, gid, sid, src, sport, dst, dport, uri;
STORE ordered INTO '$output/context' USING PigStorage('\t', '-schema');
