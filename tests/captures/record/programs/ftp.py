"""An FTP server (pyftpdlib): anonymous may read; one account may write."""

from __future__ import annotations

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

if __name__ == "__main__":
    address, folder, banner = sys.argv[1:4]
    people = DummyAuthorizer()
    people.add_anonymous(folder)
    people.add_user("webmaster", "Qu4y-side", folder, perm="elradfmw")
    FTPHandler.authorizer = people
    FTPHandler.banner = banner
    FTPHandler.auth_failed_timeout = 0.3
    FTPHandler.max_login_attempts = 10
    FTPServer((address, 21), FTPHandler).serve_forever()
