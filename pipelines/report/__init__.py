"""The report: one folder of pages that opens in any browser, with no network and no server."""
