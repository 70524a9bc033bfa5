# browser.py: a page in Chromium without a window, driven by the DevTools protocol over a pipe.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The browser runs as an unprivileged user with a profile of its own, and every request, console message, exception and report of a
policy that the page causes is kept for the test to look at."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

PATIENCE_S = 60
NAMES = ("chromium", "chromium-browser", "google-chrome")


def program() -> str | None:
    """The browser, if there is one."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


class Browser:
    """One browser with one page at a time."""

    def __init__(self) -> None:
        found = program()
        assert found is not None
        self.folder = tempfile.mkdtemp(prefix="mqttscope-browser-")
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()

        def wire() -> None:
            """The protocol's two ends are the descriptors 3 and 4."""
            ends = os.dup(to_read), os.dup(to_write)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [found, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
             f"--user-data-dir={self.folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=wire,
            start_new_session=True, env=os.environ | {"HOME": self.folder, "XDG_CONFIG_HOME": self.folder, "XDG_CACHE_HOME": self.folder})
        os.close(to_read)
        os.close(to_write)
        self.pending = b""
        self.number = 0
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """Ends it."""
        try:
            self.send("Browser.close", browser=True)
        except (OSError, AssertionError):
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self.pending:
            ready, _, _ = select.select([self.read_end], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            block = os.read(self.read_end, 1 << 20)
            assert block, "the browser has ended"
            self.pending += block
        line, _, self.pending = self.pending.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message

    def send(self, method: str, browser: bool = False, **parameters: Any) -> dict[str, Any]:
        """Asks for something; what is answered."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session is not None and not browser:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_end, data):]
        end = time.monotonic() + PATIENCE_S
        while True:
            answer = self._next(end)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer.get("error")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, page: Path, width: int = 1280, dark: bool = False, height: int = 900) -> None:
        """Opens a page; returns when it has drawn itself."""
        target = self.send("Target.createTarget", browser=True, url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", browser=True, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Audits"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events = []
        self.send("Page.navigate", url=page.as_uri())
        end = time.monotonic() + PATIENCE_S
        while self.run("document.documentElement?.dataset.ready") != "yes":
            assert time.monotonic() < end, f"the page does not draw itself: {self.complaints()}"
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Presses a key and lets it go."""
        codes = {"Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, " ": 32}
        common = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": codes.get(key, 0)}
        text = text or {"Enter": "\r", " ": " "}.get(key, "")
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def requests(self, page: Path) -> list[str]:
        """What was fetched besides the page."""
        urls = [each["params"]["request"]["url"] for each in self.events if each["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if url != page.as_uri()]

    def complaints(self) -> list[str]:
        """What the browser, the policy and the page itself had to say."""
        loud = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Audits.issueAdded", "Page.javascriptDialogOpening")
        return [json.dumps(each["params"])[:500] for each in self.events if each["method"] in loud]

    def picture(self, path: Path, whole: bool = True) -> None:
        """Saves the page as a picture."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                           **({"clip": {"x": 0, "y": 0, "scale": 1, "width": self.run("document.documentElement.clientWidth"),
                                        "height": min(12000, self.run("document.documentElement.scrollHeight"))}} if whole else {}))
        path.write_bytes(base64.b64decode(answer["data"]))
