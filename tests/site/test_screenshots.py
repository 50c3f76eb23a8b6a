"""The pictures show what the chapters show now, and are those that were taken."""

import json
import shutil

import pytest

from course import chapters
from course.site import scenes, screenshots
from tests.support.servers import all_served

INDEX = "01_http_only"


def now(browser, chapter, address):
    """Return the hash of what each of a chapter's pictures would show, by file."""
    return {
        file: screenshots.digest(picture, scheme)
        for picture in scenes.scenario(chapter, browser, address)
        for file, scheme in screenshots.files(picture.name)
    }


@pytest.fixture(scope="module")
def shows(chromium):
    """The hash of what each picture would show if it was taken now, by file."""
    found = {}
    with all_served(list(scenes.SCENARIOS)) as addresses:
        for chapter, address in addresses.items():
            found |= now(chromium, chapter, address)
    return found


def test_pictures_are_as_taken_and_up_to_date(shows):
    found = screenshots.problems(screenshots.ASSETS, shows)
    assert not found, "\n" + "\n".join(found)


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in screenshots.ASSETS.glob("*.webp")}
    assert sizes
    assert not {name: size for name, size in sizes.items() if size > 60_000}


def test_changed_word_or_colour_puts_a_picture_out_of_date(shows, chromium, tmp_path):
    copy = shutil.copytree(chapters.folder(INDEX), tmp_path / INDEX)
    edit(copy / "chat/templates/chat/index.html", "Which room?", "What room?")
    with screenshots.served(copy) as address:
        other_word = now(chromium, INDEX, address)
    edit(copy / "chat/templates/chat/index.html", "What room?", "Which room?")
    edit(copy / "chat/static/chat/chat.css", "#0b5cad", "#0b5cae")
    with screenshots.served(copy) as address:
        other_colour = now(chromium, INDEX, address)
    for file in (f"{INDEX}.webp", f"{INDEX}-dark.webp"):
        assert len({shows[file], other_word[file], other_colour[file]}) == 3


# What is wrong with a folder of pictures: no browser is needed to tell.

SHOWS = {"a.webp": "a room", "a-dark.webp": "a room, dark"}


@pytest.fixture
def assets(tmp_path):
    """A folder with two pictures and their list, in which nothing is wrong."""
    listed = {}
    for file, what in SHOWS.items():
        (tmp_path / file).write_text(f"a picture of {what}")
        listed[file] = {"shows": what, "file": screenshots.hash_of(tmp_path / file)}
    (tmp_path / screenshots.MANIFEST).write_text(json.dumps(listed))
    assert screenshots.problems(tmp_path, SHOWS) == []
    return tmp_path


def replace_by_hand(assets):
    shutil.copy(assets / "a.webp", assets / "a-dark.webp")


def take_off_the_list(assets):
    listed = screenshots.manifest(assets)
    del listed["a.webp"]
    (assets / screenshots.MANIFEST).write_text(json.dumps(listed))


@pytest.mark.parametrize(
    ("damage", "shows", "problem"),
    [
        (None, {"a.webp": "b"}, "a.webp is out of date: its chapter shows something else now."),
        (lambda assets: (assets / "a-dark.webp").unlink(), {}, "a-dark.webp is missing."),
        (replace_by_hand, {}, "a-dark.webp was replaced by hand."),
        (take_off_the_list, {}, "a.webp is not listed in screenshots.json."),
    ],
)
def test_wrong_picture_is_noticed(assets, damage, shows, problem):
    if damage:
        damage(assets)
    assert screenshots.problems(assets, SHOWS | shows) == [f"{problem} {screenshots.AGAIN}"]


@pytest.mark.parametrize("file", ["b.webp", "a.png", "a.jpeg"])
def test_picture_that_nobody_takes_is_noticed(assets, file):
    (assets / file).write_text("drawn")
    said = f"{file} is none of the pictures that are taken: remove it."
    assert screenshots.problems(assets, SHOWS) == [said]


def test_without_a_list_no_picture_is_listed(assets):
    (assets / screenshots.MANIFEST).unlink()
    assert len(screenshots.problems(assets, SHOWS)) == 2


def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
