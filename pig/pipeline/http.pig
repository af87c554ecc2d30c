-- Which requests and responses of HTTP were there, in sessions that began in the window?
-- Parameters: captures (a list of captures: the window's, and what its sessions go on in), sessions (table), output.
SET packetpig.split.bytes 4611686018427387904
SET pig.store.schema.disambiguate 'false'
rows  = LOAD '$captures' USING HttpLoader();
began = LOAD '$sessions' USING ParquetLoader();
ids   = FOREACH began GENERATE session_id AS began_id;
mine  = JOIN ids BY began_id, rows BY session_id;
http  = FOREACH mine GENERATE sensor ..;
STORE http INTO '$output/http' USING ParquetStorer();
