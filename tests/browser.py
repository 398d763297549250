"""A real browser for pages: Chromium, spoken to through two pipes, without any other library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Message = dict[str, Any]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # for root, as in containers; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-extensions",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-pipe",
)
TO_BROWSER, FROM_BROWSER = 3, 4
"""Descriptors on which a browser with `--remote-debugging-pipe` listens and answers."""


def found() -> str | None:
    """Path of the browser, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab of a browser: commands of the DevTools protocol, and the events that came by."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        self._number, self._session, self._rest = 0, "", b""
        self.events: list[Message] = []

    def attach(self) -> None:
        """Open the tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Message:
        """Send a command and wait for its answer."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer}"
        return dict(answer["result"])

    def _read(self) -> Message:
        while b"\0" not in self._rest:
            received = os.read(self._answers, 1 << 20)
            assert received, "the browser has ended"
            self._rest += received
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def happened(self, kind: str) -> list[Message]:
        """Events of one kind since the page was opened."""
        return [event for event in self.events if event["method"] == kind]

    def open(self, path: Path, width: int, height: int) -> None:
        """Load a file into a window of this size; below 600 pixels, that of a phone."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not self.happened("Page.loadEventFired"):
            self.events.append(self._read())

    def emulate(self, medium: str, scheme: str) -> None:
        """Pages are shown for `screen` or `print`, or as is fit for empty; `light` or `dark`."""
        preferred = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", media=medium, features=[preferred])

    def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, height: int) -> bytes:
        """The first so many pixels of the page as PNG."""
        width = self.evaluate("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(printed["data"])


@contextmanager
def browser(path: str, profile: Path) -> Iterator[Browser]:
    """Start a browser whose own files go to a folder, and end it."""
    (ours_in, theirs_out), (theirs_in, ours_out) = os.pipe(), os.pipe()
    # A shell puts the pipes where the browser expects them, whatever their numbers are here.
    process = subprocess.Popen(
        [
            "bash",  # other shells know no descriptors above nine
            "-c",
            f'exec "$0" "$@" {TO_BROWSER}<&{theirs_in} {FROM_BROWSER}>&{theirs_out}',
            path,
            *FLAGS,
            f"--user-data-dir={profile}",
        ],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        tab = Browser(ours_out, ours_in)
        tab.attach()
        yield tab
    finally:
        os.close(ours_out)
        os.close(ours_in)
        process.kill()
        process.wait()
