-- What is not as it should be, without any signature, in the whole archive?
-- Parameters: shapes (table of all windows), followed (each window that has one after it, and when that begins), output.
shapes    = LOAD '$shapes' USING ParquetLoader();
followed  = LOAD '$followed' USING ParquetLoader();
dated     = JOIN shapes BY of_window LEFT OUTER, followed BY window USING 'replicated';
-- a bin is that of the last window which it reaches into: there it is whole
whole     = FILTER dated BY bin_end IS NULL OR next IS NULL OR bin_end <= next;
of_bins   = FOREACH whole GENERATE shapes::part .. shapes::of_window;
SPLIT of_bins INTO scan_bins IF part == 'scan', flood_bins IF part == 'flood', guess_bins IF part == 'guess', tunnel_bins IF part == 'tunnel',
    calls IF part == 'calls', talks IF part == 'talk', port_uses IF part == 'use';
scans     = SCANS_OF_BINS(scan_bins);
floods    = FLOODS_OF_BINS(flood_bins);
guesses   = GUESSES_OF_BINS(guess_bins);
beacons   = BEACONS_OF_CALLS(calls, '30', '0.8');
foreign   = FOREIGN_PORTS_OF_TALKS(talks, '1');
uses      = FIRST_PORTS_OF_USES(port_uses, '129600');
tunnels   = TUNNELS_OF_BINS(tunnel_bins);
anomalies = UNION scans, floods, guesses, beacons, foreign, uses, tunnels;
STORE anomalies INTO '$output/anomalies' USING ParquetStorer();
