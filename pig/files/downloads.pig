-- Which programs and archives were carried, under which names, and do the names lie?
--
-- One row a file that is a program, script, archive or disk image by its content, or text that is declared as a picture,
-- sound or font; those under false names first:
--   false_name                 true: its name ends as those of pictures, texts or media do, or its declared type says so
--   ts, protocol, src, dst     when, how, between whom (src opened the connection)
--   direction                  to_client, to_server
--   name, content_type         as the traffic has it
--   mime, size, complete       by content; bytes; whether all is there
--   sha256                     of it
--
-- Parameters: pcap (captures), output (folder), types (which contents, with commas).
%default pcap 'tests/captures/demo'
%default output 'output'
%declare programs 'application/x-dosexec,application/vnd.microsoft.portable-executable,application/x-*executable,application/x-sharedlib,application/x-mach-binary,application/java-archive,application/x-java-applet,application/x-msi,application/x-ms-shortcut,text/x-shellscript,text/x-script.python,text/x-python,text/x-perl,text/x-php,text/x-msdos-batch,application/vnd.android.package-archive'
%declare archives 'application/zip,application/gzip,application/x-bzip2,application/x-xz,application/zstd,application/x-7z-compressed,application/x-rar,application/x-tar,application/vnd.ms-cab-compressed,application/x-iso9660-image,application/x-debian-package,application/vnd.debian.binary-package,application/x-rpm'
%default types '$programs,$archives'

files = LOAD '$pcap' USING FileLoader('types=$types,text/*');
known = FOREACH files GENERATE
    ts, protocol, src, dst, direction, name, content_type, mime, size, complete, sha256,
    LOWER((name IS NULL ? '' : name)) AS lower_name, LOWER((content_type IS NULL ? '' : content_type)) AS declared;
wanted = FILTER known BY NOT mime MATCHES 'text/.*' OR mime MATCHES 'text/x-.*'
    OR declared MATCHES '(image/[^s]|audio/|video/|font/).*';
rows = FOREACH wanted GENERATE
    (lower_name MATCHES '.*[.](gif|jpe?g|png|bmp|ico|webp|svg|css|html?|txt|csv|json|xml|mp[34]|avi|mov|wav|pdf|woff2?)'
        OR declared MATCHES '(image|audio|video|font)/.*|text/(html|css|csv).*' ? true : false) AS false_name,
    ts, protocol, src, dst, direction, name, content_type, mime, size, complete, sha256;
ordered = ORDER rows BY false_name DESC, ts, src, name;
STORE ordered INTO '$output/downloads' USING PigStorage('\t', '-schema');
