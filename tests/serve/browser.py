"""A headless Chromium, driven by the DevTools protocol over a pipe."""

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")
TAGS = "[...document.querySelectorAll('#results .tag')]"
DONE = f"{TAGS}.filter((tag) => /^(Good|Anomalous)/.test(tag.innerText)).length"
"""Of the service's page: how many images are decided."""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--hide-scrollbars",
)  # fmt: skip
PATIENCE = 60
PHONE = (390, 844)
"""Window of a phone, in CSS pixels."""
TOO_WIDE = """[...document.querySelectorAll('body, body *')].filter(
  (one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5
).map((one) => one.outerHTML.slice(0, 80))"""


class Browser:
    """One page of a browser of its own.

    Args:
        profile: an empty folder.
        size: of the window, in CSS pixels.
    """

    def __init__(self, profile: Path, size: tuple[int, int] = (1200, 900)) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        words = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
        numbered = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", numbered, "chromium", *words],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = ours_out, os.fdopen(ours_in, "rb")
        self._count, self._session, self.errors = 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Log"):
            self.call(f"{domain}.enable")
        self.resize(*size)

    def call(self, method: str, **parameters):
        """Call a method, and return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            told = json.loads(self._line())
            if told.get("method") == "Runtime.exceptionThrown":
                self.errors.append(told["params"]["exceptionDetails"])
            if told.get("id") == self._count:
                assert "error" not in told, (method, told)
                return told["result"]

    def _line(self) -> bytes:
        parts = []
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "the browser has gone"
            parts.append(byte)
        return b"".join(parts)

    def resize(self, width: int, height: int, dark: bool = False, scale: float = 1) -> None:
        """Show the page in a window of this size, in light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[theme])

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str):
        """Return the value of an expression in the page; a promise is waited for."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        until = time.monotonic() + PATIENCE
        tried = f"(() => {{ try {{ return Boolean({condition}) }} catch {{ return false }} }})()"
        while not self.run(tried):
            assert time.monotonic() < until, f"in vain: {condition}; page: {self.text('body')}"
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        """Return what an element shows."""
        return self.run(f"document.querySelector({selector!r})?.innerText ?? ''")

    def too_wide(self, page: Path, size: tuple[int, int] = PHONE) -> list[str]:
        """Open a page of a file; return what is cut off or hides at the right of a window."""
        self.resize(*size)
        self.open(page.as_uri())
        return self.run(TOO_WIDE)

    def press(self, selector: str) -> None:
        """Click an element."""
        self.run(f"document.querySelector({selector!r}).click()")

    def click(self, selector: str) -> None:
        """Click an element with the mouse, as a person who may open a tab."""
        x, y = self.run(
            f"(() => {{ const b = document.querySelector({selector!r}).getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def opened(self, prefix: str, script: str):
        """Wait for another tab whose address begins so; return an expression's value in it."""
        until, mine = time.monotonic() + PATIENCE, self._session
        while True:
            known = self.call("Target.getTargets")["targetInfos"]
            found = [one["targetId"] for one in known if one["url"].startswith(prefix)]
            if found:
                break
            assert time.monotonic() < until, known
            time.sleep(0.05)
        tab = self.call("Target.attachToTarget", targetId=found[0], flatten=True)
        self._session = tab["sessionId"]
        try:
            self.wait("location.protocol === 'blob:' && document.readyState === 'complete'")
            return self.run(script)
        finally:
            self._session = mine

    def choose_files(self, selector: str, paths: list[Path]) -> None:
        """Choose files in a field."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        field = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=field, files=[str(path) for path in paths])

    def drag(self, selector: str, value: float) -> None:
        """Move a slider."""
        self.run(
            f"(() => {{ const s = document.querySelector({selector!r}); s.value = {value};"
            "s.dispatchEvent(new Event('input', {bubbles: true})) })()"
        )

    def key(self, name: str) -> None:
        """Press a key where the focus is."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def picture(self, path: Path) -> None:
        """Save what the window shows as PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self.call("Browser.close")
        self._process.wait(30)
        os.close(self._out)
        self._in.close()
