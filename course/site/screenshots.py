"""Take the pictures in the pages and the README: screenshots of the running chapters.

Each scenario of scenes.py is photographed as it runs, once in light and once in dark.
`screenshots.json` beside the pictures holds two hashes of each: of what it shows, which is taken
from the windows' DOM and stylesheets so that it doesn't depend on a machine's fonts, and of the
file. So a test can tell which pictures are out of date.
"""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course import chapters, console, processes
from course.processes import Process
from course.replay import checkout, run
from course.site.scenes import DENSITY, SCENARIOS, Picture, scenario
from course.tasks import services

ASSETS = chapters.ROOT / "docs" / "assets"
MANIFEST = "screenshots.json"
AGAIN = "Take the pictures again: make screenshots"

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
KINDS = (".png", ".webp", ".jpg", ".jpeg", ".gif")
SCHEMES = {"light": "", "dark": "-dark"}  # and what a file's name ends in
QUALITY = 80  # of 100: less is smaller, and blurs the letters
NARROWEST = 828  # a picture's width, which two of those need: letters are as large in all
# For the server of a copy: the time stands still, and passwords are checked fast.
SETTINGS = """
import datetime
from config.settings import *
from django.utils import timezone
timezone.now = lambda: datetime.datetime(2026, 6, 20, 10, 4, tzinfo=datetime.UTC)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""
# Ann and bob begin their conversation themselves.
PEOPLE = """
from django.core.management import call_command
from chat.models import Conversation
call_command("demo")
Conversation.objects.first().delete()
"""

# Windows side by side, each with its person's name above; around them nothing.
DESK = """
<style>
  body { display: flex; justify-content: center; gap: 16px; margin: 0; padding: 4px;
         color-scheme: light dark; }
  figure { margin: 0; border: 1px solid; border-radius: 8px; overflow: hidden;
           border-color: light-dark(#868f9c, #6f7a89); }
  figcaption { padding: 5px 16px; font: 15px/20px system-ui, sans-serif;
               color: light-dark(#1c2430, #e6eaf0); background: light-dark(#d5dbe3, #313b47); }
  img { display: block; }
</style>
"""
WINDOW = '<figure><figcaption>{owner}</figcaption><img src="{image}" width="{width}"></figure>'

# What a window shows, as text that is the same on every machine and at any time.
SHOWN = r"""() => {
  const copy = document.documentElement.cloneNode(true);
  const fields = "input, textarea, select";
  const values = [...document.querySelectorAll(fields)].map((field) => field.value);
  copy.querySelectorAll(fields).forEach((field, index) => {
    field.setAttribute("data-value", values[index]);
  });
  const places = [...document.querySelectorAll("*")];
  copy.querySelectorAll("*")[places.indexOf(document.activeElement) - 1]
    ?.setAttribute("data-focused", "");
  copy.querySelectorAll("script, meta, link, input[type=hidden]").forEach((one) => one.remove());
  copy.querySelectorAll("time").forEach((time) => time.replaceWith("[time]"));
  copy.querySelectorAll("[data-client-id]").forEach((one) => delete one.dataset.clientId);
  copy.querySelectorAll("[class]").forEach((one) => {
    one.className = [...one.classList].filter((name) => !name.startsWith("htmx-")).join(" ");
    one.className || one.removeAttribute("class");
  });
  // Whoever takes a picture hides the caret for a moment and leaves these behind.
  copy.querySelectorAll("[style='']").forEach((one) => one.removeAttribute("style"));
  return copy.outerHTML.replace(/\s+/g, " ");
}"""
STYLES = """() => Promise.all(
  [...document.querySelectorAll("link[rel=stylesheet]")]
    .map((link) => fetch(link.href, {cache: "no-store"}).then((answer) => answer.text()))
)"""


def retake() -> int:
    """Take all pictures again in docs/assets; return the exit status.

    A picture that would show the same is left alone. Raises CourseError if there's no browser or a
    chapter can't be served.
    """
    listed = manifest(ASSETS)
    now = {}
    with browser() as chromium:
        for chapter in SCENARIOS:
            with served(chapters.folder(chapter)) as address:
                for picture in scenario(chapter, chromium, address):
                    for file, scheme in files(picture.name):
                        shows = digest(picture, scheme)
                        entry = {"shows": shows, "file": hash_of(ASSETS / file)}
                        kept = listed.get(file) == entry
                        if not kept:
                            image = photograph(chromium, picture, scheme)
                            (ASSETS / file).write_bytes(image)
                            entry["file"] = hash_of(ASSETS / file)
                        now[file] = entry
                        console.say(f"{'  as it was' if kept else 'taken again'}  {file}")
    for file in listed.keys() - now.keys():
        (ASSETS / file).unlink(missing_ok=True)
        console.say(f"   removed  {file}")
    (ASSETS / MANIFEST).write_text(json.dumps(now, indent=2, sort_keys=True) + "\n")
    return 0


def problems(assets: Path, shows: dict[str, str]) -> list[str]:
    """Return a sentence for each picture in the folder `assets` that's missing or out of date.

    `shows` has, by file name, the hash of what each picture would show now.
    """
    listed = manifest(assets)
    found = []
    for file in sorted(shows):
        entry = listed.get(file)
        if not (assets / file).exists():
            found.append(f"{file} is missing. {AGAIN}")
        elif entry is None:
            found.append(f"{file} is not listed in {MANIFEST}. {AGAIN}")
        elif entry["shows"] != shows[file]:
            found.append(f"{file} is out of date: its chapter shows something else now. {AGAIN}")
        elif entry["file"] != hash_of(assets / file):
            found.append(f"{file} was replaced by hand. {AGAIN}")
    there = {path.name for path in assets.iterdir() if path.suffix in KINDS}
    for file in sorted((there | listed.keys()) - shows.keys()):
        found.append(f"{file} is none of the pictures that are taken: remove it.")
    return found


def manifest(assets: Path) -> dict[str, dict[str, str]]:
    """Return the list's entries by file name, or nothing if there's no list."""
    try:
        return json.loads((assets / MANIFEST).read_text())
    except FileNotFoundError:
        return {}


def files(name: str) -> Iterator[tuple[str, str]]:
    """Yield the file and the colour scheme of a picture's two versions."""
    for scheme, ending in SCHEMES.items():
        yield f"{name}{ending}.webp", scheme


def hash_of(path: Path) -> str:
    """Return a file's hash, or the empty text if there's no such file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def digest(picture: Picture, scheme: str) -> str:
    """Return the hash of everything the picture shows."""
    windows = {owner: shown(page) for owner, page in picture.windows.items()}
    taken = [picture.size, NARROWEST, DENSITY, QUALITY, scheme, DESK, WINDOW]
    return hashlib.sha256(json.dumps([windows, taken]).encode()).hexdigest()


def shown(page) -> list:
    """Return what a page shows: its styles and its DOM, without anything that changes by itself."""
    return [page.evaluate(SHOWN), page.evaluate(STYLES)]


def photograph(chromium, picture: Picture, scheme: str) -> bytes:
    """Return a picture of the windows in light or dark, as WebP."""
    width, height = picture.size
    figures = []
    for owner, page in picture.windows.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        image = data_url(page.screenshot(animations="disabled", caret="hide"))
        figures.append(WINDOW.format(owner=owner, image=image, width=width))
    width, height = max(len(figures) * (width + 18) - 8, NARROWEST), height + 40
    with chromium.new_context(color_scheme=scheme) as context:
        desk = context.new_page()
        desk.set_viewport_size({"width": width, "height": height})
        desk.set_content(DESK + "".join(figures))
        # By hand, since Playwright knows no WebP, which takes half of what PNG does.
        tools = context.new_cdp_session(desk)
        nothing = {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
        tools.send("Emulation.setDefaultBackgroundColorOverride", nothing)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": DENSITY}
        form = {"format": "webp", "quality": QUALITY, "clip": clip}
        return base64.b64decode(tools.send("Page.captureScreenshot", form)["data"])


def data_url(image: bytes) -> str:
    """Return a PNG as a data: URL."""
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


@contextlib.contextmanager
def browser():
    """Yield a Chromium or Chrome. Raises CourseError if there isn't one."""
    from playwright.sync_api import sync_playwright

    program = services.browser(os.environ)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        try:
            yield chromium
        finally:
            chromium.close()


@contextlib.contextmanager
def served(project: Path, filled_by: str = PEOPLE) -> Iterator[str]:
    """Serve a copy of the chapter in the folder `project`, and yield its address.

    A lesson that has no folder is served as its page leaves it. Chapter 6 gets a new database,
    `filled_by` what is typed to `manage.py shell`. Raises CourseError.
    """
    with tempfile.TemporaryDirectory(prefix="course-screenshots-") as scratch:
        copy = Path(scratch, project.name)
        left_out = shutil.ignore_patterns("db.sqlite3*", ".venv", "__pycache__")
        if project.is_dir():
            shutil.copytree(project, copy, ignore=left_out)
        else:
            made = run.replay(project.name, checkout.start_of(project.name), fast=True)
            checkout.write_project(made.files, copy)
        (copy / "held_settings.py").write_text(SETTINGS)
        environment = processes.project_env() | {"DJANGO_SETTINGS_MODULE": "held_settings"}
        if project.name == chapters.DEMO:
            failed = f"{project.name} could not be set up."
            for words in (["migrate"], ["shell", "-c", filled_by]):
                command = [sys.executable, "manage.py", *words]
                processes.run(command, failed, env=environment, cwd=copy)
        server = Process(
            [sys.executable, "-m", "daphne", "-p", "0", "config.asgi:application"],
            folder=copy,
            environment=environment,
            log=Path(scratch, "log"),
        )
        try:
            yield f"http://127.0.0.1:{server.port()}"
        finally:
            server.kill()  # nothing that it says or keeps at its end is of interest
