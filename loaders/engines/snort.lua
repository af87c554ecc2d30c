-- Snort 3 for archives, where option conf= names nothing else. snort3.py writes what comes before (networks, rules,
-- classes, event filters, output) and gives checksums and chance their places on the command line.

-- sessions: as many as fit, picked up without their begin, one-way ones too; bodies to their end
stream = { max_flows = 1000000 }
stream_ip = {}
stream_icmp = {}
stream_tcp = { reassemble_async = true, session_timeout = 600 }
stream_udp = {}
stream_user = {}
stream_file = {}

http_inspect = { request_depth = -1, response_depth = -1 }
http2_inspect = {}
ftp_server = default_ftp_server
ftp_client = {}
ftp_data = {}
smtp = default_smtp
imap = {}
pop = {}
dns = {}
ssl = {}
ssh = {}
sip = {}
telnet = {}
rpc_decode = {}
dce_smb = {}
dce_tcp = {}
dce_udp = {}
dce_http_proxy = {}
dce_http_server = {}
modbus = {}
dnp3 = {}
cip = {}
netflow = {}

wizard = default_wizard
references = default_references

binder =
{
    { when = { proto = 'udp', ports = '53', role = 'server' }, use = { type = 'dns' } },
    { when = { proto = 'tcp', ports = '53', role = 'server' }, use = { type = 'dns' } },
    { when = { proto = 'tcp', ports = '111', role = 'server' }, use = { type = 'rpc_decode' } },
    { when = { proto = 'tcp', ports = '502', role = 'server' }, use = { type = 'modbus' } },

    { when = { proto = 'tcp', service = 'dcerpc' }, use = { type = 'dce_tcp' } },
    { when = { proto = 'udp', service = 'dcerpc' }, use = { type = 'dce_udp' } },
    { when = { proto = 'udp', service = 'netflow' }, use = { type = 'netflow' } },
    { when = { service = 'netbios-ssn' }, use = { type = 'dce_smb' } },
    { when = { service = 'dce_http_server' }, use = { type = 'dce_http_server' } },
    { when = { service = 'dce_http_proxy' }, use = { type = 'dce_http_proxy' } },
    { when = { service = 'cip' }, use = { type = 'cip' } },
    { when = { service = 'dnp3' }, use = { type = 'dnp3' } },
    { when = { service = 'dns' }, use = { type = 'dns' } },
    { when = { service = 'ftp' }, use = { type = 'ftp_server' } },
    { when = { service = 'ftp-data' }, use = { type = 'ftp_data' } },
    { when = { service = 'http' }, use = { type = 'http_inspect' } },
    { when = { service = 'http2' }, use = { type = 'http2_inspect' } },
    { when = { service = 'imap' }, use = { type = 'imap' } },
    { when = { service = 'modbus' }, use = { type = 'modbus' } },
    { when = { service = 'pop3' }, use = { type = 'pop' } },
    { when = { service = 'sip' }, use = { type = 'sip' } },
    { when = { service = 'smtp' }, use = { type = 'smtp' } },
    { when = { service = 'ssh' }, use = { type = 'ssh' } },
    { when = { service = 'ssl' }, use = { type = 'ssl' } },
    { when = { service = 'sunrpc' }, use = { type = 'rpc_decode' } },
    { when = { service = 'telnet' }, use = { type = 'telnet' } },

    { use = { type = 'wizard' } },
}
