-- Sessions of a whole archive, however its captures were cut; see docs/sessions.md.
--
--   SESSIONS(pcap, where)             sessions, with the columns of SessionLoader
--       pcap    captures: files, folders, globs
--       where   an expression over the columns; 'true' for all sessions

DEFINE SESSIONS(pcap, where) RETURNS sessions {
    pieces = LOAD '$pcap' USING SessionPieceLoader();
    buckets = GROUP pieces BY bucket;
    merged = FOREACH buckets GENERATE FLATTEN(sessions.merge(pieces.piece, ''));
    $sessions = FILTER merged BY $where;
};
