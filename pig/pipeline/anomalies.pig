-- What is not as it should be, without any signature, in the whole archive?
-- Parameters: sessions, dns (tables of all windows), internal (networks of ours, with commas), output.
sessions  = LOAD '$sessions' USING ParquetLoader();
dns       = LOAD '$dns' USING ParquetLoader();
anomalies = ANOMALIES(sessions, dns, '$internal');
STORE anomalies INTO '$output/anomalies' USING ParquetStorer();
