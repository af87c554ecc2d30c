-- What was said in a whole archive, however its captures were cut, from one decode; see docs/sessions.md.
--
--   TRAFFIC(pcap, kinds)      five relations, with the columns of the kinds' loaders:
--                             sessions, dns, http, tls, files = TRAFFIC('captures', 'sessions,dns');
--       pcap    captures: files, folders, globs
--       kinds   what is decoded; the relations of others are empty
--   DNS(pcap, where)          one kind of these; where: an expression over its columns, 'true' for all
--   HTTP(pcap, where)
--   TLS(pcap, where)
--   FILES(pcap, where)
--   TRAFFIC_ROWS(pcap, kinds) rows of TrafficLoader, a column of tuples for each kind, and of these:
--   SESSIONS_OF(rows), DNS_OF(rows), HTTP_OF(rows), TLS_OF(rows), FILES_OF(rows): the rows of a kind, its columns

DEFINE TRAFFIC_ROWS(pcap, kinds) RETURNS rows {
    DEFINE merged_traffic packetpig.bridge.Merge('traffic', 'decode=$kinds', 'without=sensor,capture,ts');
    pieces = LOAD '$pcap' USING SessionPieceLoader('for=$kinds');
    buckets = GROUP pieces BY bucket;
    $rows = FOREACH buckets {
        sorted = ORDER pieces BY ts;
        GENERATE FLATTEN(merged_traffic(sorted)) AS (sessions, dns, files, http, tls);
    };
};

DEFINE TRAFFIC(pcap, kinds) RETURNS sessions, dns, http, tls, files {
    rows = TRAFFIC_ROWS('$pcap', '$kinds');
    $sessions = SESSIONS_OF(rows);
    $dns = DNS_OF(rows);
    $http = HTTP_OF(rows);
    $tls = TLS_OF(rows);
    $files = FILES_OF(rows);
};

DEFINE SESSIONS_OF(rows) RETURNS sessions {
    found = FILTER $rows BY sessions IS NOT NULL;
    $sessions = FOREACH found GENERATE FLATTEN(sessions) AS (
        sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel, end_ts,
        duration, service, state, end_state, src_packets, dst_packets, src_bytes, dst_bytes, src_ip_bytes, dst_ip_bytes,
        missed_bytes, icmp_errors);
};

DEFINE DNS_OF(rows) RETURNS dns {
    found = FILTER $rows BY dns IS NOT NULL;
    $dns = FOREACH found GENERATE FLATTEN(dns) AS (
        sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel, id,
        kind, opcode, rcode, flags, section, name, class, type, ttl, data, length);
};

DEFINE FILES_OF(rows) RETURNS files {
    found = FILTER $rows BY files IS NOT NULL;
    $files = FOREACH found GENERATE FLATTEN(files) AS (
        sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel,
        protocol, direction, name, mime, extension, size, complete, md5, sha1, sha256, path, content_type, missing_bytes);
};

DEFINE HTTP_OF(rows) RETURNS http {
    found = FILTER $rows BY http IS NOT NULL;
    $http = FOREACH found GENERATE FLATTEN(http) AS (
        sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel, method,
        host, uri, version, status, reason, user_agent, referer, content_type, request_headers, response_headers,
        request_bytes, response_bytes, duration, request_encoded_bytes, response_encoded_bytes, number, complete);
};

DEFINE TLS_OF(rows) RETURNS tls {
    found = FILTER $rows BY tls IS NOT NULL;
    $tls = FOREACH found GENERATE FLATTEN(tls) AS (
        sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel, carrier,
        version, version_offered, sni, alpn, alpn_offered, cipher, ja3, ja3s, ja4, resumed, established, alert, subject,
        issuer, not_before, not_after, cert_names, cert_sha256, chain, client_subject, client_issuer, client_sha256);
};

DEFINE DNS(pcap, where) RETURNS dns {
    rows = TRAFFIC_ROWS('$pcap', 'dns');
    every = DNS_OF(rows);
    $dns = FILTER every BY $where;
};

DEFINE FILES(pcap, where) RETURNS files {
    rows = TRAFFIC_ROWS('$pcap', 'files');
    every = FILES_OF(rows);
    $files = FILTER every BY $where;
};

DEFINE HTTP(pcap, where) RETURNS http {
    rows = TRAFFIC_ROWS('$pcap', 'http');
    every = HTTP_OF(rows);
    $http = FILTER every BY $where;
};

DEFINE TLS(pcap, where) RETURNS tls {
    rows = TRAFFIC_ROWS('$pcap', 'tls');
    every = TLS_OF(rows);
    $tls = FILTER every BY $where;
};
