"""The pictures that the pages and the README show: screenshots of the running chapters."""

import base64
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course import chapters, progress, serve, services

PICTURES = chapters.ROOT / "docs" / "assets"
WINDOW = {"width": 560, "height": 520}  # CSS pixels
DENSITY = 2  # pixels of the picture to a CSS pixel
PASSWORD = "channels-demo"  # chapter 6's `manage.py demo` sets it

# Windows as they would stand on a desk.
DESK = """
<style>
  body {{ display: flex; gap: 20px; margin: 0; padding: 20px; background: #8b97a8; }}
  img {{ width: {width}px; border-radius: 8px; }}
</style>
{images}
"""


def command() -> int:
    """Make all the pictures anew under docs/assets; return the exit status.

    Raises progress.Trouble if there is no browser or a chapter cannot be served.
    """
    from playwright.sync_api import sync_playwright

    program = services.browser(os.environ)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for chapter, take in TAKEN.items():
            with served(chapter) as address:
                target = PICTURES / f"{chapter}.png"
                target.write_bytes(take(browser, address))
            progress.say(f"{target.relative_to(chapters.ROOT)}")
        browser.close()
    return 0


@contextlib.contextmanager
def served(chapter: str) -> Iterator[str]:
    """Serve a copy of the chapter, so that none of its files change; give its address."""
    environment = serve.clean(os.environ)
    with tempfile.TemporaryDirectory(prefix="course-pictures-") as scratch:
        folder = Path(scratch, chapter)
        shutil.copytree(
            chapters.folder(chapter), folder, ignore=shutil.ignore_patterns("db.sqlite3*")
        )
        manage = [sys.executable, "manage.py"]
        failed = f"{chapter} could not be set up."
        progress.run([*manage, "migrate"], failed, env=environment, cwd=folder)
        if chapter == serve.DEMO:
            progress.run([*manage, "demo"], failed, env=environment, cwd=folder)
        port = services.free_port()
        server = subprocess.Popen(
            [*manage, "runserver", f"127.0.0.1:{port}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            serve.wait_until_it_answers(server, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            serve.stop(server)


def window(browser, address: str, scheme: str = "light"):
    """Return a new page of a person of their own, in light or in dark."""
    context = browser.new_context(
        base_url=address, viewport=WINDOW, device_scale_factor=DENSITY, color_scheme=scheme
    )
    return context.new_page()


def desk(browser, *pages) -> bytes:
    """Return one picture of the windows, as PNG."""
    images = [base64.b64encode(page.screenshot()).decode() for page in pages]
    tags = [f'<img src="data:image/png;base64,{image}">' for image in images]
    gap = 20
    size = {
        "width": gap + len(pages) * (WINDOW["width"] + gap),
        "height": WINDOW["height"] + 2 * gap,
    }
    page = browser.new_page(viewport=size)
    page.set_content(DESK.format(width=WINDOW["width"], images="".join(tags)))
    return page.screenshot()


def index(browser, address):
    page = window(browser, address)
    page.goto("/chat/")
    page.fill("#room-name-input", "Café du coin")
    return desk(browser, page)


def echo(browser, address):
    ann = room(window(browser, address))
    for text in ("Is anybody there?", "I hear only myself."):
        say(ann, "#chat-message-input", text)
    ann.wait_for_function("document.querySelector('#chat-log').value.includes('myself')")
    return desk(browser, ann)


def textarea_chat(browser, address):
    ann, bob = room(window(browser, address)), room(window(browser, address, "dark"))
    for page, text in ((ann, "Tea?"), (bob, "Please."), (ann, "Four o'clock, then.")):
        say(page, "#chat-message-input", text)
        for reader in (ann, bob):
            reader.wait_for_function(
                "text => document.querySelector('#chat-log').value.includes(text)", arg=text
            )
    return desk(browser, ann, bob)


def htmx_chat(browser, address):
    ann, bob = room(window(browser, address)), room(window(browser, address, "dark"))
    converse(ann, bob, ("Tea?", "Please.", "Four o'clock, then."))
    return desk(browser, ann, bob)


def conversations(browser, address):
    ann, bob = window(browser, address), window(browser, address, "dark")
    for page, name, other in ((ann, "ann", "bob"), (bob, "bob", "ann")):
        page.goto("/accounts/login/")
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.click(f"#conversations strong:text-is('{other}')")
        wait_until_connected(page)
    converse(ann, bob, ("I have the baskets.", "And I the ladder."))
    return desk(browser, ann, bob)


def room(page):
    page.goto("/chat/lobby/")
    wait_until_connected(page)
    return page


def wait_until_connected(page):
    page.get_by_text("Connected.", exact=True).wait_for()


def say(page, field, text):
    page.fill(field, text)
    page.press(field, "Enter")


def converse(ann, bob, texts):
    """Let the two speak in turn, each when both have heard the last."""
    for number, text in enumerate(texts):
        say((ann, bob)[number % 2], "#chat_message", text)
        for reader in (ann, bob):
            reader.locator("#content li", has_text=text).wait_for()


# Chapter 4 looks like chapter 3.
TAKEN = {
    "01_http_only": index,
    "02_echo_consumer": echo,
    "03_sync_group_chat": textarea_chat,
    "05_htmx_ws": htmx_chat,
    "06_conversations_auth": conversations,
}
