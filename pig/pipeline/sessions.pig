-- Which sessions began in the window, and how did each end, in whichever window that was?
-- Parameters: tracked (of the window), continued (of later windows), start, end, last (seconds: where tracking is), output.
here     = LOAD '$tracked' USING ParquetLoader();
later    = LOAD '$continued' USING ParquetLoader();
began    = FILTER later BY ts >= (double) $start AND ts < (double) $end;
both     = UNION here, began;
final    = FILTER both BY goes_on == 0 OR of_window == (double) $last;
sessions = FOREACH final GENERATE sensor .. icmp_errors;
STORE sessions INTO '$output/sessions' USING ParquetStorer();
