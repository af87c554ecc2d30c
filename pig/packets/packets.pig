-- All packets, with every header field: for spreadsheets, pandas, or another database.
--
-- One row a packet, with the columns of `bin/packetpig describe packets` but for the bytes (payload, frame).
-- `ts` is written out in full here (Pig writes a double as 1.7E9). For Parquet, which keeps the types, end with:
--   STORE packets INTO '…' USING ParquetStorer();
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
headers = FOREACH packets GENERATE sensor, capture, (bigdecimal) ts AS ts, ts_ns .. community_id;
STORE headers INTO '$output/packets' USING PigStorage(',', '-schema');
