-- Which attacks does an IDS see in the window, and in which sessions?
-- Parameters: captures (a list of captures: the window's, and what its sessions go on in), sessions (table), continued
-- (earlier windows' sessions in this one), engine, rules, internal (networks of ours, with commas: HOME_NET), warm, until
-- (seconds: what the engine is given), start, end, follow (seconds), output. Where alerts are there already, and the rules have
-- changed: since (the rules as they were; else nothing), before (those alerts), gone (rules whose alerts count no more).
SET pig.store.schema.disambiguate 'false'
found   = LOAD '$captures' USING SnortLoader('engine=$engine', 'rules=$rules', 'home=$internal', 'since=$since', 'start=$warm',
    'end=$until');
began   = LOAD '$sessions' USING ParquetLoader();
here    = FOREACH began GENERATE sensor, community_id, ts, end_ts, session_id, src, sport, dst, dport, proto, service, state;
older   = LOAD '$continued' USING ParquetLoader();
earlier = FOREACH older GENERATE sensor, community_id, ts, end_ts, session_id, src, sport, dst, dport, proto, service, state;
both    = UNION here, earlier;
-- what comes behind the window is of sessions that go on there, which alone reach so far
going_on = FILTER here BY end_ts >= (double) $end;
named   = FOREACH found GENERATE sensor, capture, ts, community_id, proto AS by_proto, src AS by_src, sport AS by_sport,
    dst AS by_dst, dport AS by_dport, client, engine, gid, sid, rev, priority, classification, message;
SPLIT named INTO within IF ts < (double) $end, behind OTHERWISE;
of_here  = WITH_SESSION(within, both);
of_going = WITH_SESSION(behind, going_on);
-- what comes of a session that began earlier is in that one's window, as long as it is followed there
kept_here  = FILTER of_here BY ts >= (double) $start AND (session_ts IS NULL OR session_ts >= (double) $start OR ts > session_end_ts
    OR ts > (FLOOR(session_ts / ($end.0 - $start.0)) + 1.0) * ($end.0 - $start.0) + $follow.0);
kept_going = FILTER of_going BY session_id IS NOT NULL AND ts <= session_end_ts AND ts <= $end.0 + $follow.0;
both_kept  = UNION kept_here, kept_going;
new        = FOREACH both_kept GENERATE sensor, capture, ts, session_id, community_id, by_proto AS proto, by_src AS src,
    by_sport AS sport, by_dst AS dst, by_dport AS dport, (client IS NULL ? src : client) AS client, engine, gid, sid, rev,
    priority, classification, message, service;
older_ones = LOAD '$before' USING ParquetLoader();
of_gone    = LOAD '$gone' USING ParquetLoader();
compared   = JOIN older_ones BY (gid, sid) LEFT OUTER, of_gone BY (gid, sid) USING 'replicated';
stay       = FILTER compared BY of_gone::sid IS NULL;
old        = FOREACH stay GENERATE older_ones::sensor .. older_ones::service;
alerts     = UNION old, new;
STORE alerts INTO '$output/alerts' USING ParquetStorer();
