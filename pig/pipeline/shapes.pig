-- What of the window stands out by its shape, and what must be known of it so that all windows together say what does?
-- Parameters: sessions, dns (tables of the window, and of those before it whose rows reach into its bins), start, end (seconds), internal
-- (networks of ours, with commas), output.
SET pig.store.schema.disambiguate 'false'
all_sessions = LOAD '$sessions' USING ParquetLoader();
near      = FILTER all_sessions BY ts >= (double) $start - 3600.0;
close     = FILTER near BY ts >= (double) $start - 300.0;
here      = FILTER close BY ts >= (double) $start;
all_dns   = LOAD '$dns' USING ParquetLoader();
dns       = FILTER all_dns BY ts >= (double) $start - 3600.0;

-- bins that reach into the window; with the thresholds of ANOMALIES
scans     = SCAN_BINS(near, '3600', '25', '25', '0.5');
floods    = FLOOD_BINS(close, '50', '500', '100');
guesses   = GUESS_BINS(close, '300', '10', '5', '30', '6');
tunnels   = TUNNEL_BINS(dns, '3600', '40', '1200');
-- sums
called    = CALLS(here);
spoken_to = FOREIGN_TALKS(here);
port_uses = PORT_USES(here, '$internal', '32768');

of_scans   = FOREACH scans GENERATE 'scan' AS part, *;
of_floods  = FOREACH floods GENERATE 'flood' AS part, *;
of_guesses = FOREACH guesses GENERATE 'guess' AS part, *;
of_tunnels = FOREACH tunnels GENERATE 'tunnel' AS part, *;
of_calls   = FOREACH called GENERATE 'calls' AS part, *;
of_talks   = FOREACH spoken_to GENERATE 'talk' AS part, *;
of_uses    = FOREACH port_uses GENERATE 'use' AS part, *;
together   = UNION ONSCHEMA of_scans, of_floods, of_guesses, of_tunnels, of_calls, of_talks, of_uses;
reaching   = FILTER together BY bin_end IS NULL OR bin_end > (double) $start;
shapes     = FOREACH reaching GENERATE *, (double) $start AS of_window;
STORE shapes INTO '$output/shapes' USING ParquetStorer();
