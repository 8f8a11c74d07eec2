"""A real Chromium without a screen, spoken to by chromedriver(1)'s WebDriver protocol."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.harness.need import find_tool, need_tool

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--disable-dev-shm-usage"),
)


class Browser:
    """One window; `with Browser(PROFILE) as browser:`. `profile` is an empty directory."""

    def __init__(self, profile: Path) -> None:
        need_tool("chromium", "chromedriver")
        self._driver = subprocess.Popen(
            [find_tool("chromedriver") or "chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._driver.stdout
        for line in self._driver.stdout:
            if started := re.search(r"started successfully on port (\d+)", line):
                break
        else:
            raise AssertionError("chromedriver did not start")
        self._base = f"http://127.0.0.1:{started[1]}/session"
        wanted = {
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {
                "binary": find_tool("chromium"),
                "args": [*OPTIONS, f"--user-data-dir={profile}"],
            },
        }
        session = self._call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self._base += f"/{session['sessionId']}"

    def close(self) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, url: str) -> None:
        """Load a page, to the end of its event load."""
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *args: Any) -> Any:
        """What a function body of JavaScript returns in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def resize(self, width: int, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str) -> None:
        """Be on a desktop whose colours are `scheme`: light or dark."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._devtools("Emulation.setEmulatedMedia", {"features": [feature]})

    def requests(self) -> list[str]:
        """The URLs that were asked for since the last call."""
        events = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """What the console was told since the last call, warnings and worse."""
        levels = {"WARNING", "SEVERE"}
        return [e["message"] for e in self._log("browser") if e["level"] in levels]

    def picture(self) -> bytes:
        """The window, as PNG."""
        return base64.b64decode(self._call("GET", "/screenshot"))

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return list(self._call("POST", "/se/log", {"type": kind}))

    def _devtools(self, command: str, parameters: dict[str, Any]) -> None:
        self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self._base + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
