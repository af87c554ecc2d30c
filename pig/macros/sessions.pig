-- Sessions of a whole archive, however its captures were cut; see docs/sessions.md.
--
--   SESSIONS(pcap, where)             sessions, with the columns of SessionLoader
--       pcap    captures: files, folders, globs
--       where   an expression over the columns; 'true' for all sessions
--   SENSOR_SESSIONS(pcap, where)      the same, where each folder right below pcap is a sensor of its own
--   WITH_SESSION(rows, sessions)      rows that have sensor, community_id and ts, each with its session
--       the columns of rows, then session_id, session_ts, session_end_ts, src, sport, dst, dport, proto, service and
--       state of the session (spans::session_id, …); null where there is none
--   FEATURES(pcap)                    one row of numbers a session, for machine learning

DEFINE SESSIONS(pcap, where) RETURNS sessions {
    DEFINE merged packetpig.bridge.Merge('sessions', 'without=timestamps,intervals');
    pieces = LOAD '$pcap' USING SessionPieceLoader();
    buckets = GROUP pieces BY bucket;
    rows = FOREACH buckets {
        sorted = ORDER pieces BY ts;
        GENERATE FLATTEN(merged(sorted)) AS (
            sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel,
            end_ts, duration, service, state, end_state, src_packets, dst_packets, src_bytes, dst_bytes, src_ip_bytes,
            dst_ip_bytes, missed_bytes, icmp_errors);
    };
    $sessions = FILTER rows BY $where;
};

DEFINE WITH_SESSION(rows, sessions) RETURNS joined {
    known = FOREACH $sessions GENERATE
        sensor, community_id, ts, session_id, end_ts, src, sport, dst, dport, proto, service, state;
    flows = GROUP known BY (sensor, community_id);
    spans = FOREACH flows GENERATE group.sensor AS span_sensor, group.community_id AS span_community_id,
        FLATTEN(sessions.spans(known.(ts, session_id, end_ts, src, sport, dst, dport, proto, service, state)));
    pairs = JOIN $rows BY (sensor, community_id) LEFT OUTER, spans BY (span_sensor, span_community_id);
    $joined = FILTER pairs BY session_from IS NULL OR (ts >= session_from AND ts < session_until);
};

DEFINE FEATURES(pcap) RETURNS features {
    DEFINE merged packetpig.bridge.Merge('features', 'without=sensor,capture');
    pieces = LOAD '$pcap' USING SessionPieceLoader('entropies=yes');
    buckets = GROUP pieces BY bucket;
    rows = FOREACH buckets {
        sorted = ORDER pieces BY ts;
        GENERATE FLATTEN(merged(sorted)) AS (
            ts, session_id, proto, sport, dport, duration, src_packets, dst_packets, src_bytes, dst_bytes, src_ip_bytes,
            dst_ip_bytes, missed_bytes, packet_rate, byte_rate, src_share, src_size_mean, src_size_std, src_size_max,
            dst_size_mean, dst_size_std, dst_size_max, gap_mean, gap_std, gap_min, gap_max, src_gap_mean, src_gap_std,
            dst_gap_mean, dst_gap_std, src_data_packets, dst_data_packets, src_first_bytes, dst_first_bytes, src_entropy,
            dst_entropy, reply_delay, fin, syn, rst, psh, ack, urg);
    };
    $features = FOREACH rows GENERATE
        session_id, ts, proto, sport, dport, duration, src_packets, dst_packets, src_bytes, dst_bytes, src_ip_bytes,
        dst_ip_bytes, missed_bytes, packet_rate, byte_rate, src_share, src_size_mean, src_size_std, src_size_max,
        dst_size_mean, dst_size_std, dst_size_max, gap_mean, gap_std, gap_min, gap_max, src_gap_mean, src_gap_std,
        dst_gap_mean, dst_gap_std, src_data_packets, dst_data_packets, src_first_bytes, dst_first_bytes, src_entropy,
        dst_entropy, reply_delay, fin, syn, rst, psh, ack, urg;
};

DEFINE SENSOR_SESSIONS(pcap, where) RETURNS sessions {
    DEFINE merged packetpig.bridge.Merge('sessions', 'without=timestamps,intervals');
    pieces = LOAD '$pcap' USING SessionPieceLoader('sensors=folders');
    buckets = GROUP pieces BY bucket;
    rows = FOREACH buckets {
        sorted = ORDER pieces BY ts;
        GENERATE FLATTEN(merged(sorted)) AS (
            sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel,
            end_ts, duration, service, state, end_state, src_packets, dst_packets, src_bytes, dst_bytes, src_ip_bytes,
            dst_ip_bytes, missed_bytes, icmp_errors);
    };
    $sessions = FILTER rows BY $where;
};
