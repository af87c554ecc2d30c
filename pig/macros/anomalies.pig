-- What is not as it should be, by the shape of sessions and without signatures; docs/anomalies.md has formulas and figures.
--
--   ANOMALY_SCANS(sessions, window, ports, hosts, in_vain)             port_scan, host_scan
--   ANOMALY_FLOODS(sessions, syn, udp, icmp)                           syn_flood, udp_flood, icmp_flood
--   ANOMALY_GUESSING(sessions, window, ssh, ftp, http, rdp)            ssh_guessing, ftp_guessing, …
--   ANOMALY_BEACONS(sessions, calls, score)                            beacon
--   ANOMALY_FOREIGN_PORTS(sessions, times)                             foreign_port
--   ANOMALY_FIRST_PORTS(sessions, internal, learn, below)              first_port
--   ANOMALY_DNS_TUNNELS(dns, window, names, carried)                   dns_tunnel
--   ANOMALIES(sessions, dns, internal)                                 all of them, with the scripts' thresholds
--
-- Sessions are those of SESSIONS, dns the rows of DnsLoader, or tables of them. All give the same columns, so that UNION puts them together:
--   sensor, ts, end_ts, kind, severity (1 worst … 4), src, dst, dport, proto, count, score (0 … 1), detail, session_id
-- src, dst and dport are null where they are many; session_id is the first session of it. Bins of `window` seconds overlap
-- by half, so that what takes half a window lies in one wherever it begins; count is that of the bin with most. Groups hold
-- counts and not rows, so that no traffic makes them large (beacons: 100,000 times a pair).
--
-- Each is of two macros, so that a pipeline can make the first half window after window (pig/pipeline/shapes.pig), and the
-- second of all windows: bins above the thresholds, which end at bin_end (SCAN_BINS … and SCANS_OF_BINS …); or sums that can be
-- summed again (CALLS, FOREIGN_TALKS, PORT_USES).

-- ANOMALY_SCANS: who tries many doors, and mostly in vain, within a bin of `window` seconds?
-- In vain is a pair of address and port where no session was a conversation.
DEFINE SCAN_BINS(sessions, window, ports, hosts, in_vain) RETURNS found {
    flows = FILTER $sessions BY (proto == 'tcp' OR proto == 'udp') AND dport IS NOT NULL;
    tries = FOREACH flows GENERATE
        sensor, proto, src, dst, dport, ts, end_ts,
        FLATTEN(TOBAG((long) FLOOR(ts * 2 / $window), (long) FLOOR(ts * 2 / $window) + 1)) AS bin,
        (proto == 'tcp' ? (src_bytes + dst_bytes == 0 OR src_packets == 0 OR dst_packets == 0 ? 1 : 0)
                        : (dst_packets == 0 AND NOT net.is_multicast(dst) ? 1 : 0)) AS vain,
        CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
    by_door = GROUP tries BY (sensor, bin, proto, src, dst, dport);
    tried_doors = FOREACH by_door GENERATE
        FLATTEN(group) AS (sensor, bin, proto, src, dst, dport), MIN(tries.vain) AS vain, MIN(tries.ts) AS ts,
        MAX(tries.end_ts) AS end_ts, MIN(tries.first) AS first;
    doors = FOREACH tried_doors GENERATE
        sensor, bin, proto, src, dst, dport, vain, (vain == 1 ? ts : null) AS ts, (vain == 1 ? end_ts : null) AS end_ts,
        (vain == 1 ? first : null) AS first;

    by_host = GROUP doors BY (sensor, bin, proto, src, dst);
    ports_of = FOREACH by_host GENERATE
        FLATTEN(group) AS (sensor, bin, proto, src, dst), COUNT_STAR(doors) AS tried, SUM(doors.vain) AS vain,
        MIN(doors.ts) AS ts, MAX(doors.end_ts) AS end_ts, MIN(doors.first) AS first;
    many_ports = FILTER ports_of BY vain >= $ports AND vain >= $in_vain * tried;
    vertical = FOREACH many_ports GENERATE
        sensor, (bin + 1) * $window / 2.0 AS bin_end, proto, src, 'port_scan' AS kind, dst, (int) null AS dport, tried, ts, end_ts, first,
        (1 - 0.5 * $ports / vain) * vain / tried AS score, (tried >= 10 * $ports ? 1 : 0) AS large;

    by_port = GROUP doors BY (sensor, bin, proto, src, dport);
    hosts_of = FOREACH by_port GENERATE
        FLATTEN(group) AS (sensor, bin, proto, src, dport), COUNT_STAR(doors) AS tried, SUM(doors.vain) AS vain,
        MIN(doors.ts) AS ts, MAX(doors.end_ts) AS end_ts, MIN(doors.first) AS first;
    many_hosts = FILTER hosts_of BY vain >= $hosts AND vain >= $in_vain * tried;
    horizontal = FOREACH many_hosts GENERATE
        sensor, (bin + 1) * $window / 2.0 AS bin_end, proto, src, 'host_scan' AS kind, (chararray) null AS dst, dport, tried, ts, end_ts, first,
        (1 - 0.5 * $hosts / vain) * vain / tried AS score, (tried >= 10 * $hosts ? 1 : 0) AS large;

    $found = UNION vertical, horizontal;
};

DEFINE SCANS_OF_BINS(bins) RETURNS scans {
    found = FOREACH $bins GENERATE sensor, proto, src, kind, dst, dport, tried, ts, end_ts, first, score, large;
    by_source = GROUP found BY (kind, sensor, proto, src);
    $scans = FOREACH by_source {
        hosts = DISTINCT found.dst;
        ports = DISTINCT found.dport;
        GENERATE group.sensor AS sensor, MIN(found.ts) AS ts, MAX(found.end_ts) AS end_ts, group.kind AS kind,
            3 - MAX(found.large) AS severity, group.src AS src,
            (MIN(found.dst) == MAX(found.dst) ? MIN(found.dst) : null) AS dst,
            (MIN(found.dport) == MAX(found.dport) ? MIN(found.dport) : null) AS dport,
            group.proto AS proto, MAX(found.tried) AS count, MAX(found.score) AS score,
            (group.kind == 'port_scan' ? SPRINTF('ports of a host, at %d hosts', COUNT(hosts))
                                       : SPRINTF('hosts of a port, at %d ports', COUNT(ports))) AS detail,
            SUBSTRING(MIN(found.first), 20, 100) AS session_id;
    };
};

DEFINE ANOMALY_SCANS(sessions, window, ports, hosts, in_vain) RETURNS scans {
    bins = SCAN_BINS($sessions, '$window', '$ports', '$hosts', '$in_vain');
    $scans = SCANS_OF_BINS(bins);
};

-- ANOMALY_FLOODS: who is sent more packets a second, over ten seconds, than answers come back?
-- TCP: attempts without payload on one port; UDP: what is not answered; ICMP: all. A session counts where it begins,
-- with its packets of ten seconds.
DEFINE FLOOD_BINS(sessions, syn, udp, icmp) RETURNS found {
    one_way = FILTER $sessions BY (proto == 'tcp' AND src_bytes + dst_bytes == 0 AND state != 'SF')
        OR (proto == 'udp' AND dst_packets == 0 AND NOT net.is_multicast(dst)) OR proto == 'icmp' OR proto == 'icmp6';
    parts = FOREACH one_way GENERATE
        sensor, proto, src, dst, (proto == 'tcp' ? dport : null) AS dport, ts, end_ts,
        FLATTEN(TOBAG((long) FLOOR(ts / 5), (long) FLOOR(ts / 5) + 1)) AS bin,
        (duration > 10 ? src_packets * 10.0 / duration : (double) src_packets) AS packets,
        CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
    by_sender = GROUP parts BY (sensor, bin, proto, dst, dport, src);
    senders = FOREACH by_sender GENERATE
        FLATTEN(group) AS (sensor, bin, proto, dst, dport, src), SUM(parts.packets) AS packets, MIN(parts.ts) AS ts,
        MAX(parts.end_ts) AS end_ts, MIN(parts.first) AS first;
    by_target = GROUP senders BY (sensor, bin, proto, dst, dport);
    rates = FOREACH by_target GENERATE
        FLATTEN(group) AS (sensor, bin, proto, dst, dport), SUM(senders.packets) AS packets, COUNT_STAR(senders) AS sources,
        MIN(senders.src) AS src, MAX(senders.src) AS other, MIN(senders.ts) AS ts, MAX(senders.end_ts) AS end_ts,
        MIN(senders.first) AS first;
    limited = FOREACH rates GENERATE
        *, 10.0 * (proto == 'tcp' ? $syn : (proto == 'udp' ? $udp : $icmp)) AS most;
    above = FILTER limited BY packets >= most;
    $found = FOREACH above GENERATE
        sensor, (bin + 1) * 5.0 AS bin_end, proto, dst, dport, packets, sources, src, other, ts, end_ts, first, most;
};

DEFINE FLOODS_OF_BINS(bins) RETURNS floods {
    high = FOREACH $bins GENERATE sensor, proto, dst, dport, packets, sources, src, other, ts, end_ts, first, most;
    by_flood = GROUP high BY (sensor, proto, dst, dport);
    $floods = FOREACH by_flood GENERATE
        group.sensor AS sensor, MIN(high.ts) AS ts, MAX(high.end_ts) AS end_ts,
        (group.proto == 'tcp' ? 'syn_flood' : (group.proto == 'udp' ? 'udp_flood' : 'icmp_flood')) AS kind,
        (MAX(high.packets) >= 10 * MAX(high.most) ? 2 : 3) AS severity,
        (MIN(high.src) == MAX(high.other) ? MIN(high.src) : null) AS src, group.dst AS dst, group.dport AS dport,
        group.proto AS proto, ROUND(MAX(high.packets)) AS count,
        1 - 0.5 * MAX(high.most) / MAX(high.packets) AS score,
        SPRINTF('packets in 10 s, of %d sources', MAX(high.sources)) AS detail,
        SUBSTRING(MIN(high.first), 20, 100) AS session_id;
};

DEFINE ANOMALY_FLOODS(sessions, syn, udp, icmp) RETURNS floods {
    bins = FLOOD_BINS($sessions, '$syn', '$udp', '$icmp');
    $floods = FLOODS_OF_BINS(bins);
};

-- ANOMALY_GUESSING: who signs in again and again, within a bin of `window` seconds?
-- SSH and RDP: sessions that carry no more than keys and some attempts. FTP: sessions, less those that move a file or a
-- listing (their own are between high ports, or from port 20). HTTP: sessions of much the same size.
DEFINE GUESS_BINS(sessions, window, ssh, ftp, http, rdp) RETURNS found {
    talks = FILTER $sessions BY proto == 'tcp' AND (
        (src_bytes > 0 AND dst_bytes > 0 AND (service == 'ftp' OR service == 'http'
            OR (service == 'ssh' AND src_bytes <= 6000 AND dst_bytes <= 6000)
            OR (service == 'rdp' AND src_bytes <= 20000 AND dst_bytes <= 20000)))
        OR (service IS NULL AND src_bytes + dst_bytes > 0 AND dport > 1023 AND (sport == 20 OR sport > 1023)));
    marked = FOREACH talks GENERATE
        *, (service IS NULL ? 1 : 0) AS moves, (service IS NULL AND sport == 20 ? 1 : 0) AS active,
        FLATTEN(TOBAG((long) FLOOR(ts * 2 / $window), (long) FLOOR(ts * 2 / $window) + 1)) AS bin;
    rows = FOREACH marked GENERATE
        sensor, bin, (moves == 1 ? 'ftp' : service) AS service, (active == 1 ? dst : src) AS src, (active == 1 ? src : dst) AS dst,
        (moves == 1 OR service == 'ftp' ? 0 : dport) AS port, (moves == 1 ? null : dport) AS dport, 1 - moves AS tries,
        moves AS moves, (moves == 1 ? null : ts) AS ts, (moves == 1 ? null : end_ts) AS end_ts,
        (moves == 1 ? null : (double) src_bytes) AS sent, (moves == 1 ? null : (double) src_bytes * src_bytes) AS sent2,
        (moves == 1 ? null : (double) dst_bytes) AS got, (moves == 1 ? null : (double) dst_bytes * dst_bytes) AS got2,
        (moves == 1 ? null : CONCAT(SPRINTF('%020.6f', ts), session_id)) AS first;
    by_server = GROUP rows BY (sensor, bin, service, src, dst, port);
    sums = FOREACH by_server GENERATE
        FLATTEN(group) AS (sensor, bin, service, src, dst, port), MIN(rows.dport) AS dport, SUM(rows.tries) AS tries,
        SUM(rows.tries) - SUM(rows.moves) AS failed, MIN(rows.ts) AS ts, MAX(rows.end_ts) AS end_ts,
        MIN(rows.first) AS first, AVG(rows.sent) AS sent, AVG(rows.sent2) AS sent2, AVG(rows.got) AS got,
        AVG(rows.got2) AS got2;
    shaped = FOREACH sums GENERATE
        *, (service == 'ssh' ? $ssh : (service == 'ftp' ? $ftp : (service == 'rdp' ? $rdp : $http))) AS least,
        (sent2 > sent * sent ? SQRT(sent2 - sent * sent) / sent : 0.0) AS sent_spread,
        (got2 > got * got ? SQRT(got2 - got * got) / got : 0.0) AS got_spread;
    many = FILTER shaped BY failed >= least AND (service != 'http' OR (sent_spread <= 0.5 AND got_spread <= 0.5));
    $found = FOREACH many GENERATE
        sensor, (bin + 1) * $window / 2.0 AS bin_end, (double) $window AS span, service, src, dst, port, dport, failed, ts, end_ts, first,
        sent_spread, got_spread, (1 - 0.5 * least / failed) * failed / tries AS score, (failed >= 10 * least ? 1 : 0) AS large;
};

DEFINE GUESSES_OF_BINS(bins) RETURNS guesses {
    spread = FOREACH $bins GENERATE
        sensor, span, service, src, dst, port, dport, failed, ts, end_ts, first, sent_spread, got_spread, score, large;
    by_pair = GROUP spread BY (sensor, service, src, dst, port);
    $guesses = FOREACH by_pair GENERATE
        group.sensor AS sensor, MIN(spread.ts) AS ts, MAX(spread.end_ts) AS end_ts,
        CONCAT(group.service, '_guessing') AS kind, 2 - MAX(spread.large) AS severity, group.src AS src,
        group.dst AS dst, MIN(spread.dport) AS dport, 'tcp' AS proto, MAX(spread.failed) AS count,
        MAX(spread.score) AS score,
        SPRINTF('sessions in %d s, sizes spread by %.2f (sent) and %.2f (received)', (long) MIN(spread.span),
            MIN(spread.sent_spread), MIN(spread.got_spread)) AS detail,
        SUBSTRING(MIN(spread.first), 20, 100) AS session_id;
};

DEFINE ANOMALY_GUESSING(sessions, window, ssh, ftp, http, rdp) RETURNS guesses {
    bins = GUESS_BINS($sessions, '$window', '$ssh', '$ftp', '$http', '$rdp');
    $guesses = GUESSES_OF_BINS(bins);
};

-- ANOMALY_BEACONS: who calls somebody again and again, as regularly as a clock?
-- Services that are asked so by design are left out. Of more than 100,000 calls of a pair the first so many count.
-- A single call, as most pairs have, has ts alone.
DEFINE CALLS(sessions) RETURNS called {
    flows = FILTER $sessions BY (proto == 'tcp' OR proto == 'udp') AND (service IS NULL OR NOT (
        service == 'dns' OR service == 'ntp' OR service == 'dhcp' OR service == 'netbios' OR service == 'ssdp'
        OR service == 'syslog' OR service == 'snmp'));
    rows = FOREACH flows GENERATE
        sensor, proto, src, dst, dport, ts, end_ts, src_bytes + dst_bytes AS bytes,
        CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
    pairs = GROUP rows BY (sensor, proto, src, dst, dport);
    $called = FOREACH pairs {
        sorted = ORDER rows BY ts;
        early = LIMIT sorted 100000;
        GENERATE FLATTEN(group) AS (sensor, proto, src, dst, dport),
            (COUNT_STAR(rows) > 1 ? sessions.packed_times(early.ts) : null) AS packed, COUNT_STAR(rows) AS times,
            MIN(rows.ts) AS ts, MAX(rows.end_ts) AS end_ts, SUM(rows.bytes) AS bytes, MIN(rows.first) AS first;
    };
};

DEFINE BEACONS_OF_CALLS(called, calls, score) RETURNS beacons {
    parts = FOREACH $called GENERATE sensor, proto, src, dst, dport, packed, times, ts, end_ts, bytes, first;
    pairs = GROUP parts BY (sensor, proto, src, dst, dport);
    frequent = FILTER pairs BY SUM(parts.times) >= $calls;
    scored = FOREACH frequent GENERATE FLATTEN(group) AS (sensor, proto, src, dst, dport),
        FLATTEN(sessions.packed_regularity(parts.(packed, ts))) AS (times, interval, jitter, score), MIN(parts.ts) AS ts,
        MAX(parts.end_ts) AS end_ts, SUM(parts.bytes) AS bytes, MIN(parts.first) AS first;
    regular = FILTER scored BY times >= $calls AND score >= $score;
    $beacons = FOREACH regular GENERATE
        sensor, ts, end_ts, 'beacon' AS kind, 2 AS severity, src, dst, dport, proto, (long) times AS count, score,
        SPRINTF('every %.1f s, jitter %.1f s, %d bytes', interval, jitter, bytes) AS detail,
        SUBSTRING(first, 20, 100) AS session_id;
};

DEFINE ANOMALY_BEACONS(sessions, calls, score) RETURNS beacons {
    called = CALLS($sessions);
    $beacons = BEACONS_OF_CALLS(called, '$calls', '$score');
};

-- ANOMALY_FOREIGN_PORTS: what is spoken, and answered, at a port that is not that protocol's?
DEFINE FOREIGN_TALKS(sessions) RETURNS spoken_to {
    spoken = FILTER $sessions BY service IS NOT NULL AND src_bytes > 0 AND dst_bytes > 0 AND sport > 1023
        AND (proto == 'tcp' OR proto == 'udp') AND state != 'OTH';
    talks = FOREACH spoken GENERATE
        sensor, proto, src, dst, dport, service, ts, end_ts, CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
    by_port = GROUP talks BY (sensor, proto, dst, dport, service);
    all_servers = FOREACH by_port GENERATE
        FLATTEN(group) AS (sensor, proto, dst, dport, service), COUNT_STAR(talks) AS times, MIN(talks.src) AS src,
        MAX(talks.src) AS other, MIN(talks.ts) AS ts, MAX(talks.end_ts) AS end_ts, MIN(talks.first) AS first;
    $spoken_to = FILTER all_servers BY NOT services.usual(service, dport);
};

DEFINE FOREIGN_PORTS_OF_TALKS(spoken_to, times) RETURNS foreign {
    talks = FOREACH $spoken_to GENERATE sensor, proto, dst, dport, service, times, src, other, ts, end_ts, first;
    by_port = GROUP talks BY (sensor, proto, dst, dport, service);
    servers = FOREACH by_port GENERATE
        FLATTEN(group) AS (sensor, proto, dst, dport, service), SUM(talks.times) AS times, MIN(talks.src) AS src,
        MAX(talks.other) AS other, MIN(talks.ts) AS ts, MAX(talks.end_ts) AS end_ts, MIN(talks.first) AS first;
    strange = FILTER servers BY times >= $times;
    $foreign = FOREACH strange GENERATE
        sensor, ts, end_ts, 'foreign_port' AS kind, 3 AS severity, (src == other ? src : null) AS src, dst, dport,
        proto, times AS count, 1 - 0.5 * $times / times AS score, service AS detail,
        SUBSTRING(first, 20, 100) AS session_id;
};

DEFINE ANOMALY_FOREIGN_PORTS(sessions, times) RETURNS foreign {
    spoken_to = FOREIGN_TALKS($sessions);
    $foreign = FOREIGN_PORTS_OF_TALKS(spoken_to, '$times');
};

-- ANOMALY_FIRST_PORTS: which host of ours, known for `learn` seconds, was the first of all to use a port below `below`?
-- It answers at the port (server), or calls it outside (client); with payload both ways.
DEFINE PORT_USES(sessions, internal, below) RETURNS port_uses {
    answered = FILTER $sessions BY (proto == 'tcp' OR proto == 'udp') AND src_bytes > 0 AND dst_bytes > 0
        AND dport < $below;
    placed = FOREACH answered GENERATE
        sensor, src, dst, proto, dport, ts, end_ts, (net.in_network(src, '$internal') ? 1 : 0) AS from_us,
        (net.in_network(dst, '$internal') ? 1 : 0) AS to_us, CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
    callers = FILTER placed BY from_us == 1;
    clients = FOREACH callers GENERATE
        sensor, (to_us == 1 ? 'inside' : 'client') AS role, src AS host, dst AS peer, proto, dport, ts, end_ts, first;
    answerers = FILTER placed BY to_us == 1;
    servers = FOREACH answerers GENERATE
        sensor, 'server' AS role, dst AS host, src AS peer, proto, dport, ts, end_ts, first;
    sides = UNION clients, servers;
    by_use = GROUP sides BY (sensor, role, host, proto, dport);
    $port_uses = FOREACH by_use GENERATE
        FLATTEN(group) AS (sensor, role, host, proto, dport), COUNT_STAR(sides) AS times, MIN(sides.ts) AS ts,
        MAX(sides.end_ts) AS end_ts, MIN(sides.first) AS first, MIN(sides.peer) AS peer, MAX(sides.peer) AS other;
};

DEFINE FIRST_PORTS_OF_USES(port_uses, learn) RETURNS uses {
    parts = FOREACH $port_uses GENERATE sensor, role, host, proto, dport, times, ts, end_ts, first, peer, other;
    by_use = GROUP parts BY (sensor, role, host, proto, dport);
    all_uses = FOREACH by_use GENERATE
        FLATTEN(group) AS (sensor, role, host, proto, dport), SUM(parts.times) AS times, MIN(parts.ts) AS ts,
        MAX(parts.end_ts) AS end_ts, MIN(parts.first) AS first, MIN(parts.peer) AS peer, MAX(parts.other) AS other;
    by_host = GROUP all_uses BY (sensor, host);
    known = FOREACH by_host GENERATE group.sensor AS at, group.host AS name, MIN(all_uses.ts) AS since;
    across = FILTER all_uses BY role != 'inside';
    by_port = GROUP across BY (sensor, role, proto, dport);
    earliest = FOREACH by_port {
        sorted = ORDER across BY first, host;
        one = LIMIT sorted 1;
        GENERATE FLATTEN(one);
    };
    joined = JOIN earliest BY (sensor, host), known BY (at, name);
    late = FILTER joined BY ts - since >= $learn;
    $uses = FOREACH late GENERATE
        sensor AS sensor, ts AS ts, end_ts AS end_ts, 'first_port' AS kind, 4 AS severity,
        (role == 'client' ? host : (peer == other ? peer : null)) AS src,
        (role == 'server' ? host : (peer == other ? peer : null)) AS dst,
        dport AS dport, proto AS proto, times AS count, 1 - 0.5 * $learn / (ts - since) AS score,
        SPRINTF('as %s, known for %.1f h', role, (ts - since) / 3600) AS detail, SUBSTRING(first, 20, 100) AS session_id;
};

DEFINE ANOMALY_FIRST_PORTS(sessions, internal, learn, below) RETURNS uses {
    port_uses = PORT_USES($sessions, '$internal', '$below');
    $uses = FIRST_PORTS_OF_USES(port_uses, '$learn');
};

-- ANOMALY_DNS_TUNNELS: who asks for names below one domain that carry more than names do, within `window` seconds?
-- Carried are the characters of a name that stand before the registered domain (where there is none: before the last two
-- labels), of each name once. The reverse trees are left out.
DEFINE TUNNEL_BINS(dns, window, names, carried) RETURNS found {
    questions = FILTER $dns BY kind == 'query' AND section == 'question' AND SIZE(name) > 10
        AND NOT LOWER(name) MATCHES '.*[.]arpa';
    asked = FOREACH questions GENERATE
        sensor, proto, src, dst, dport, LOWER(name) AS name, ts,
        FLATTEN(TOBAG((long) FLOOR(ts * 2 / $window), (long) FLOOR(ts * 2 / $window) + 1)) AS bin,
        CONCAT(SPRINTF('%020.6f', ts), session_id) AS first;
    by_name = GROUP asked BY (sensor, bin, proto, src, dst, dport, name);
    once = FOREACH by_name GENERATE
        FLATTEN(group) AS (sensor, bin, proto, src, dst, dport, name), COUNT_STAR(asked) AS times, MIN(asked.ts) AS ts,
        MAX(asked.ts) AS end_ts, MIN(asked.first) AS first;
    sized = BELOW_DOMAINS(once);
    by_domain = GROUP sized BY (sensor, bin, proto, src, dst, dport, domain);
    sums = FOREACH by_domain GENERATE
        FLATTEN(group) AS (sensor, bin, proto, src, dst, dport, domain), COUNT_STAR(sized) AS names,
        SUM(sized.size) AS bytes, SUM(sized.times) AS times, MIN(sized.ts) AS ts, MAX(sized.end_ts) AS end_ts,
        MIN(sized.first) AS first;
    many = FILTER sums BY names >= $names AND bytes >= $carried;
    $found = FOREACH many GENERATE
        sensor, (bin + 1) * $window / 2.0 AS bin_end, proto, src, dst, dport, domain, names, bytes, ts, end_ts, first, (1 - 0.5 * $carried / bytes) * names / times AS score, (bytes >= 10 * $carried ? 1 : 0) AS large;
};

DEFINE TUNNELS_OF_BINS(bins) RETURNS tunnels {
    scored = FOREACH $bins GENERATE sensor, proto, src, dst, dport, domain, names, bytes, ts, end_ts, first, score, large;
    by_pair = GROUP scored BY (sensor, proto, src, dst, dport, domain);
    $tunnels = FOREACH by_pair GENERATE
        group.sensor AS sensor, MIN(scored.ts) AS ts, MAX(scored.end_ts) AS end_ts, 'dns_tunnel' AS kind,
        2 - MAX(scored.large) AS severity, group.src AS src, group.dst AS dst, group.dport AS dport,
        group.proto AS proto, MAX(scored.names) AS count, MAX(scored.score) AS score,
        CONCAT(SPRINTF('names with %d characters below ', MAX(scored.bytes)), group.domain) AS detail,
        SUBSTRING(MIN(scored.first), 20, 100) AS session_id;
};

DEFINE ANOMALY_DNS_TUNNELS(dns, window, names, carried) RETURNS tunnels {
    bins = TUNNEL_BINS($dns, '$window', '$names', '$carried');
    $tunnels = TUNNELS_OF_BINS(bins);
};

DEFINE ANOMALIES(sessions, dns, internal) RETURNS anomalies {
    scans = ANOMALY_SCANS($sessions, '3600', '25', '25', '0.5');
    floods = ANOMALY_FLOODS($sessions, '50', '500', '100');
    guesses = ANOMALY_GUESSING($sessions, '300', '10', '5', '30', '6');
    beacons = ANOMALY_BEACONS($sessions, '30', '0.8');
    foreign = ANOMALY_FOREIGN_PORTS($sessions, '1');
    uses = ANOMALY_FIRST_PORTS($sessions, '$internal', '129600', '32768');
    tunnels = ANOMALY_DNS_TUNNELS($dns, '3600', '40', '1200');
    $anomalies = UNION scans, floods, guesses, beacons, foreign, uses, tunnels;
};
