-- All packets, with every header field: for spreadsheets, pandas, or another database.
--
-- One row a packet, with the columns of `bin/packetpig describe packets` but for the bytes (payload, frame).
-- For Parquet, which keeps the types, end with: STORE headers INTO '…' USING ParquetStorer();
--
-- Parameters: pcap (captures), output (folder).
%default pcap 'tests/captures/demo'
%default output 'output'

packets = LOAD '$pcap' USING PacketLoader();
headers = FOREACH packets GENERATE sensor .. community_id;
STORE headers INTO '$output/packets' USING PigStorage(',', '-schema');
