-- Which files were carried, and where are they kept now?
--
-- Files are kept below $output/extract_files/ named by their SHA-256, each content once; what was cut ends in .partial.
-- In $output/files one row a file carried, in the order of time:
--   ts, protocol, src, dst, direction   when, how, between whom, to_client or to_server
--   name, content_type                  as the traffic has it
--   mime, extension                     by content
--   size, complete                      bytes; whether all is there
--   md5, sha256, kept                   hashes, and the name below extract_files/; empty where there is none
--
-- What is kept may be malicious.
-- Parameters: pcap (captures), output (folder), types (MIME types and extensions, with commas; all without it), where (a
-- filter), keep (the folder to keep files in).
%default pcap 'tests/captures/demo'
%default output 'output'
%default types ''
%default where 'true'
%default keep '$output/extract_files'

files = LOAD '$pcap' USING FileLoader('types=$types', 'store=$keep', 'where=$where');
rows = FOREACH files GENERATE
    ts, protocol, src, dst, direction, name, content_type, mime, extension, size, complete, md5, sha256,
    REGEX_EXTRACT(path, '([^/]*)$', 1) AS kept;
ordered = ORDER rows BY ts, src, dst, size, sha256;
STORE ordered INTO '$output/files' USING PigStorage('\t', '-schema');
