"""A real browser over the report's pages: Debian's Chromium, without a window, without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run --disable-default-apps --disable-extensions "
    "--host-resolver-rules=MAP|*|~NOTFOUND --force-color-profile=srgb --hide-scrollbars"
)
SLOWEST = 100  # seconds that a script may take on a machine that does much beside; the driver waits 120 for its answer


class Browser:
    """Chromium, what it asked for, and what its console says."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, path: Path, fragment: str = "", wait: float = 30) -> None:
        """Go to a page and wait until it has drawn itself."""
        self.driver.get("about:blank")
        self.driver.get(path.resolve().as_uri() + fragment)
        WebDriverWait(self.driver, wait, 0.05).until(lambda _: self.js("return document.body.dataset.ready === 'yes'"))
        self.settle(wait)

    def settle(self, wait: float = 30) -> None:
        """Wait until no table is busy."""
        busy = "return !document.querySelector('[aria-busy=true]')"
        WebDriverWait(self.driver, wait, 0.05).until(lambda _: self.js(busy))

    def js(self, code: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(code, *arguments)

    def console(self) -> list[str]:
        """What the console said since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last look."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def size(self, width: int, height: int) -> None:
        """Set what the page sees as its window."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def colours(self, scheme: str) -> None:
        """Prefer light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def picture(self, path: Path, whole: bool = False) -> None:
        """Write a screenshot, of the whole page if asked."""
        if whole:
            width, height = self.js("return [innerWidth, Math.min(6000, document.documentElement.scrollHeight)]")
            self.size(width, height)
        path.write_bytes(self.driver.get_screenshot_as_png())


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start one, with a profile of its own in a folder, and end it."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    for flag in FLAGS.split():
        options.add_argument(flag.replace("|", " "))
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver") or "/usr/bin/chromedriver")
    driver = webdriver.Chrome(options, service)
    driver.set_script_timeout(SLOWEST)
    try:
        one = Browser(driver)
        one.size(1360, 900)
        yield one
    finally:
        driver.quit()
