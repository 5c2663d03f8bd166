"""A headless Chromium that shows a page and says what it did: by the DevTools protocol, over a websocket (RFC 6455),
with nothing but the standard library.

    with Chromium() as browser:
        page = browser.open("file:///tmp/report.html", width=390, scheme="dark")
        page.evaluate("document.title"); page.screenshot("report.png"); page.requests, page.complaints
"""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request

SECONDS = 60


def binary():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def missing():
    """Why there can be no Chromium here, or None."""
    return None if binary() else "chromium is not installed"


class _Socket:
    """The client's side of a websocket: whole text messages."""

    def __init__(self, url):
        _, _, rest = url.partition("://")
        address, _, path = rest.partition("/")
        host, _, port = address.partition(":")
        self._connection = socket.create_connection((host, int(port)), timeout=SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        self._connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
                                 f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                                 "Sec-WebSocket-Version: 13\r\n\r\n".encode())
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode("latin-1"))

    def _receive(self):
        octets = self._connection.recv(1 << 20)
        if not octets:
            raise ConnectionError("the browser has gone away")
        self._buffer += octets

    def _take(self, count):
        while len(self._buffer) < count:
            self._receive()
        octets, self._buffer = self._buffer[:count], self._buffer[count:]
        return octets

    def send(self, text):
        payload, mask = text.encode(), os.urandom(4)
        length = len(payload)
        head = struct.pack("!BB", 0x81, 0x80 | length) if length < 126 else \
            struct.pack("!BBH", 0x81, 0x80 | 126, length) if length < 65536 else \
            struct.pack("!BBQ", 0x81, 0x80 | 127, length)
        masked = bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))
        self._connection.sendall(head + mask + masked)

    def receive(self):
        message = b""
        while True:
            first, second = self._take(2)
            length = second & 0x7F
            if length == 126:
                length, = struct.unpack("!H", self._take(2))
            elif length == 127:
                length, = struct.unpack("!Q", self._take(8))
            payload = self._take(length)
            if first & 0x0F in (0, 1):  # a ping or a close is of no interest here
                message += payload
                if first & 0x80:
                    return message.decode()

    def close(self):
        self._connection.close()


class Page:
    """A tab. `requests`: the URLs it asked for; `complaints`: what the console, the log or a script error said."""

    def __init__(self, url):
        self._socket = _Socket(url)
        self._number = 0
        self._events = []
        self.requests = []
        self.complaints = []
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method, **parameters):
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.receive())
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message):
        parameters = message.get("params", {})
        self._events.append(message.get("method"))
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif message.get("method") == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(parameters))

    def show(self, url, width, height, scheme, media=""):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._events.clear()
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + SECONDS
        while "Page.loadEventFired" not in self._events:
            if time.monotonic() > deadline:
                raise TimeoutError(url)
            self._note(json.loads(self._socket.receive()))

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def press(self, key, code):
        """A key that is no letter: press("Tab", 9)."""
        self.call("Page.bringToFront")
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path, whole=True, height=0):
        options = {"format": "png", "captureBeyondViewport": whole}
        if height:
            width = self.evaluate("window.innerWidth")
            options["clip"] = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **options)["data"]))

    def pdf(self, path):
        data = self.call("Page.printToPDF", printBackground=True)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self._socket.close()


class Chromium:
    """Its profile is a temporary directory, the port of its DevTools the kernel's choice."""

    def __enter__(self):
        self._directory = tempfile.mkdtemp(prefix="msgid-chromium-")
        self._pages = []
        command = [binary(), "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={self._directory}",
                   "--no-first-run", "--disable-gpu", "--disable-extensions", "--disable-background-networking",
                   "--disable-component-update", "--disable-sync", "--hide-scrollbars", "about:blank"]
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self._port = self._wait_for_port()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _wait_for_port(self):
        said = pathlib.Path(self._directory, "DevToolsActivePort")
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self._child.poll() is None:
            with contextlib.suppress(OSError, ValueError, IndexError):
                return int(said.read_text().split()[0])
            time.sleep(0.05)
        raise RuntimeError("chromium does not start")

    def open(self, url, width=1280, height=900, scheme="light", media=""):
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/json/new?about:blank", method="PUT")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=SECONDS) as answer:
            page = Page(json.load(answer)["webSocketDebuggerUrl"])
        self._pages.append(page)
        page.show(url, width, height, scheme, media)
        return page

    def __exit__(self, *_):
        for page in self._pages:
            page.close()
        self._child.terminate()
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)  # those of its children that still write to the directory
        shutil.rmtree(self._directory, ignore_errors=True)
