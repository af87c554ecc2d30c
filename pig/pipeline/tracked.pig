-- Which sessions were there in the window, what did those that began before come to, and what is still open?
-- Parameters: captures (a list of captures), start, end (seconds), carried (of the window before), output.
pieces  = LOAD '$captures' USING SessionPieceLoader('start=$start', 'end=$end');
before  = LOAD '$carried' USING ParquetLoader();
buckets = COGROUP pieces BY bucket, before BY bucket;
done    = FOREACH buckets GENERATE group AS bucket, FLATTEN(sessions.window(pieces.piece, before.state)) AS (rows, state);
each    = FOREACH done GENERATE FLATTEN(rows) AS (
    sensor, capture, ts, session_id, community_id, proto, src, sport, dst, dport, vlan, inner_vlan, tunnel, end_ts,
    duration, service, state, end_state, src_packets, dst_packets, src_bytes, dst_bytes, src_ip_bytes, dst_ip_bytes,
    missed_bytes, icmp_errors, goes_on);
marked  = FOREACH each GENERATE *, (double) $start AS of_window;
SPLIT marked INTO tracked IF ts >= of_window, continued OTHERWISE;
states  = FOREACH done GENERATE bucket, state;
STORE tracked INTO '$output/tracked' USING ParquetStorer();
STORE continued INTO '$output/continued' USING ParquetStorer();
STORE states INTO '$output/carried' USING ParquetStorer();
