"""A real Chromium without a window, driven over its debugging socket (Chrome DevTools Protocol)."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: The page is looked at this often while a test waits for what it must show.
LOOK_AGAIN_S = 0.05
PATIENCE_S = 20
_FLAGS = (
    "--headless=new", "--no-first-run", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-extensions", "--password-store=basic",
    "--no-default-browser-check", "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)  # fmt: skip


class Page:
    """The one tab of a browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self.requested: list[str] = []
        """Addresses that it asked for, WebSockets too."""
        self.complaints: list[str] = []
        """What it wrote to its console as an error or warning, and exceptions of scripts."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command of the protocol; its answer."""
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        told = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                self.requested.append(told["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(told["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def text(self) -> str:
        """All text that the page shows, that of the terminal by its rows."""
        return await self.run("document.body?.innerText ?? ''")

    async def shows(self, *texts: str) -> str:
        """The page's text, once it holds all of *texts*."""
        return await self._until(lambda text: all(each in text for each in texts), f"never showed {texts}")

    async def loses(self, gone: str) -> str:
        """The page's text, once it does not hold *gone* any more."""
        return await self._until(lambda text: gone not in text, f"went on to show {gone}")

    async def _until(self, holds: Callable[[str], bool], otherwise: str) -> str:
        text = ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds(text := (await self.text()).replace("\xa0", " ")):  # noqa: ASYNC110 -- a page tells nobody what it draws
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            raise AssertionError(f"the page {otherwise}:\n{text}") from None
        return text

    async def type(self, text: str) -> None:
        """Press the keys of *text*; `\\r` is Enter."""
        for letter in text:
            key = {"key": "Enter", "windowsVirtualKeyCode": 13} if letter == "\r" else {"key": letter}
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, **key)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    async def press(self, button: str) -> None:
        """Press the button that is called so."""
        name = json.dumps(button)
        await self.run(
            f"[...document.querySelectorAll('button')].find(b => b.textContent === {name}).click()"
        )

    async def paste(self, text: str) -> None:
        """What a browser does when its user pastes *text*."""
        await self.run(
            "(() => { const data = new DataTransfer(); data.setData('text/plain', " + json.dumps(text) + ");"
            " document.querySelector('.xterm-helper-textarea').dispatchEvent("
            "new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); })()"
        )

    async def resize(self, width: int, height: int, *, is_phone: bool = False) -> None:
        """Give the page another size in CSS pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=3 if is_phone else 1, mobile=is_phone,
        )  # fmt: skip
        await self.call("Emulation.setTouchEmulationEnabled", enabled=is_phone)

    async def allow_clipboard(self) -> None:
        """Be in front of somebody who lets pages read the clipboard too, so that a test can look at it."""
        await self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await self.call(
            "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
        )

    async def picture(self) -> bytes:
        """What it looks like, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def open_browser(folder: Path, *, width: int = 1280, height: int = 800) -> AsyncIterator[Page]:
    """A browser with a profile of its own in *folder*, which reaches nothing but loopback."""
    assert CHROMIUM is not None
    own = ["--no-sandbox"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *_FLAGS, *own, f"--user-data-dir={folder}", "about:blank",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        start_new_session=True, env=os.environ | {"HOME": str(folder)},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            while not (line := (await process.stderr.readline()).decode()).startswith(
                "DevTools listening on "
            ):
                assert line, "chromium ended at once"
        drained = asyncio.create_task(process.stderr.read())
        address = line.rsplit(" ", 1)[1].strip()
        async with connect(address, max_size=None, ping_interval=None) as browser:
            await browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
            found = json.loads(await browser.recv())["result"]["targetInfos"]
        target = next(each["targetId"] for each in found if each["type"] == "page")
        page_address = f"{address.split('/devtools/')[0]}/devtools/page/{target}"
        async with connect(page_address, max_size=None, ping_interval=None) as socket:
            page = Page(socket)
            for domain in ("Page", "Network", "Runtime", "Log"):
                await page.call(f"{domain}.enable")
            await page.resize(width, height)
            yield page
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await drained
