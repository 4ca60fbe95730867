"""Chromium without a window, driven through its DevTools protocol over a pair of pipes."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
)
START = """
import os, sys
for pipe, spare in zip(sys.argv[1:3], (103, 104)):
    os.dup2(int(pipe), spare)
os.dup2(103, 3), os.dup2(104, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Becomes the browser, which reads from descriptor 3 and writes to 4."""
PATIENCE = 30.0
"""Seconds to wait for an answer."""


def installed() -> str | None:
    """The program, if the machine has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A browser with an empty profile; ends with its `with` block."""

    def __init__(self, profile: Path) -> None:
        program = installed()
        assert program is not None
        there, self.out = os.pipe()
        self.back, here = os.pipe()
        run = [program, *FLAGS, f"--user-data-dir={profile}"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(there), str(here), *run],
            pass_fds=(there, here),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there), os.close(here)
        self.number = 0
        self.left = b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out), os.close(self.back)

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; what comes in between is kept in `events`."""
        self.number += 1
        call = {"id": self.number, "method": method, "params": parameters}
        call |= {"sessionId": session} if session else {}
        os.write(self.out, json.dumps(call).encode() + b"\0")
        while (answer := self.read()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        found: dict[str, Any] = answer["result"]
        return found

    def read(self) -> dict[str, Any]:
        """The next message."""
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.left:
            ready, _, _ = select.select([self.back], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self.back, 1 << 20) if ready else b""
            assert data, "the browser does not answer"
            self.left += data
        message, self.left = self.left.split(b"\0", 1)
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, url: str, width: int = 1280, height: int = 800, dark: bool = False) -> Tab:
        """A new page, loaded."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.ask(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        tab.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.ask("Emulation.setEmulatedMedia", features=[scheme])
        tab.ask("Page.navigate", url=url)
        end = time.monotonic() + PATIENCE
        while tab.run("document.readyState + location.href") == "completeabout:blank" or (
            tab.run("document.readyState") != "complete"
        ):
            assert time.monotonic() < end, f"{url} does not load"
            time.sleep(0.02)
        return tab


class Tab:
    """One page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser = browser
        self.session = session

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.ask(method, self.session, **parameters)

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def settle(self) -> None:
        """Wait until the page has been laid out and painted again."""
        frames = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))"
        self.ask("Runtime.evaluate", expression=frames, awaitPromise=True)

    def press(self, key: str, modifiers: int = 0) -> None:
        """A key of the keyboard: a letter, or `Enter`, `Escape`, `ArrowDown`."""
        text = {"text": key} if len(key) == 1 else {}
        known = {"Enter": 13, "Escape": 27, "Tab": 9}
        code = {"windowsVirtualKeyCode": known[key]} if key in known else {}
        self.ask(
            "Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **text, **code
        )
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers, **code)

    def type(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        held = {"button": "left", "clickCount": 1} if kind != "mouseWheel" else {}
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **held, **more)

    def click(self, selector: str) -> None:
        """Click into the middle of the first element that a selector finds."""
        x, y = self.middle(selector)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def middle(self, selector: str) -> tuple[float, float]:
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.run(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        return x, y

    def screenshot(self) -> bytes:
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=True)["data"])

    def heard(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of a kind so far."""
        self.run("0")
        mine = [e for e in self.browser.events if e.get("sessionId") == self.session]
        return [each["params"] for each in mine if each["method"] == method]
