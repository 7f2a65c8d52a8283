"""A Chromium without a window, driven by its DevTools protocol over two pipes: nothing but the standard library."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless",
    "--no-sandbox",  # which root cannot have
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The browser reads commands from the file descriptor 3 and writes answers to 4.
_START = """
import os, sys
for number, given in ((3, int(sys.argv[1])), (4, int(sys.argv[2]))):
    os.dup2(given, number)
    os.close(given)
os.execv(sys.argv[3], sys.argv[3:])
"""
_PATIENCE = 60.0  # seconds
_CODES = {"Tab": 9, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


def executable():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, f"this test needs a browser, but none of {', '.join(NAMES)} is installed. Run `make browser`."
    return found


class Chromium:
    """A browser; `folder` holds its profile."""

    def __init__(self, folder):
        ours, theirs = zip(*(_pipe(reads) for reads in (False, True)), strict=True)
        self._out, self._in = ours
        options = [*_OPTIONS, f"--user-data-dir={folder}", "--window-size=1000,800", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, *map(str, theirs), executable(), *options],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in theirs:
            os.close(end)
        self._rest, self._number, self.events = b"", 0, []

    def call(self, method, session=None, **params):
        """Sends a command and returns its result; what happens meanwhile goes to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = self.next_message(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def next_message(self, deadline):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"the browser said nothing for {_PATIENCE:g} s"
            piece = os.read(self._in, 1 << 16)
            assert piece, f"the browser ended with the status {self._process.wait()}"
            self._rest += piece
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def close(self):
        for end in (self._out, self._in):
            os.close(end)
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def page(self, path, *, script=True, media="screen"):
        """Opens a file in a tab of its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events.clear()
        page = Page(self, session)
        for part in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{part}.enable")
        page.call("Emulation.setScriptExecutionDisabled", value=not script)
        page.call("Emulation.setEmulatedMedia", media=media)
        page.call("Page.navigate", url=path.as_uri())
        page.wait_for("Page.loadEventFired")
        try:
            yield page
        finally:
            self.call("Target.closeTarget", targetId=target)


class Page:
    """A page that was opened."""

    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def wait_for(self, event):
        deadline = time.monotonic() + _PATIENCE
        while not any(one.get("method") == event for one in self.browser.events):
            self.browser.events.append(self.browser.next_message(deadline))

    def told(self, *methods):
        """Parameters of events of these kinds that came so far."""
        return [one["params"] for one in self.browser.events if one.get("method") in methods]

    def complaints(self):
        """What a person would see in the console, and exceptions."""
        return self.told("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")

    def requests(self):
        """Addresses that were asked for, those inside of the page left out."""
        addresses = [one["request"]["url"] for one in self.told("Network.requestWillBeSent")]
        return [address for address in addresses if not address.startswith("data:")]

    def evaluate(self, expression):
        """The value of an expression, once what was asked for before is drawn."""
        settled = f"new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done({expression}))))"
        found = self.call("Runtime.evaluate", expression=settled, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key, *, shift=False):
        code = _CODES.get(key, 0)
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=8 if shift else 0
            )

    def point(self, x, y, *, click=False):
        """Moves the pointer to a place of the page that is seen, and clicks there if that is asked for."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def box(self, selector):
        """Where an element stands in what is seen, once it was scrolled to: left, top, width, height."""
        sides = "((box) => [box.left, box.top, box.width, box.height])"
        element = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{element}.scrollIntoView({{block: 'center'}})")
        return self.evaluate(f"{sides}({element}.getBoundingClientRect())")


def _pipe(we_read):
    """Two ends, ours and the browser's; theirs has a number above those that it shall get."""
    read, write = os.pipe()
    ours, theirs = (read, write) if we_read else (write, read)
    moved = fcntl.fcntl(theirs, fcntl.F_DUPFD, 10)
    os.close(theirs)
    return ours, moved
