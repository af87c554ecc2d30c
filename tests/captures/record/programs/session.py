"""One client, one connection: gets several URLs in turn with python-requests, and prints status and size."""

from __future__ import annotations

import sys

import requests

if __name__ == "__main__":
    with requests.Session() as session:
        for url in sys.argv[1:]:
            answer = session.get(url, timeout=20, allow_redirects=False)
            print(answer.status_code, len(answer.content), url)
