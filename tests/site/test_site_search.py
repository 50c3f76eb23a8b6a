"""Does the site's search find what a learner pastes into it: messages, and the course's terms."""

import json

import pytest

from course import chapters
from course.site import build

# What a learner sees, and the entry of Troubleshooting that's about it.
MESSAGES = {
    "No handler for message type chat.messages": "An event has no handler",
    "redis.exceptions.ConnectionError": "Redis can't be reached",
    "Address already in use": "The port is taken",
    "SynchronousOnlyOperation": "A query in async code",
    "(daphne.E001)": "Daphne is listed too late",
    "'NoneType' object has no attribute 'group_add'": "There is no channel layer",
    "CERTIFICATE_VERIFY_FAILED": "The certificate of Redis is unknown",
    "Unknown command: 'runworker'": "The runworker command is unknown",
    "AppRegistryNotReady": "Models are imported before Django is ready",
    "TemplateDoesNotExist": "A template is in the wrong place",
}
# What isn't an error leads to where it's explained.
ELSEWHERE = {
    "partial": "reference/glossary.html",
    "channel layer": "understand/channel_layers.html",
    "out-of-band swap": "reference/glossary.html",
}


@pytest.fixture
def first_found(window, start):
    """Return a function that searches; it gives the first page found and the part of it."""
    page = window()
    page.goto(f"{start}/index.html")
    page.locator(".md-search__input").click()

    def first_found(words):
        # What was found for other words stays until the new result is there.
        page.evaluate("document.querySelector('.md-search-result__list').replaceChildren()")
        page.locator(".md-search__input").fill(words[:-1])
        page.locator(".md-search__input").press_sequentially(words[-1])
        item = page.locator(".md-search-result__item", has=page.locator("mark")).first
        item.wait_for()
        address = item.locator("a").first.get_attribute("href").split("?")[0]
        parts = item.locator("h2").all_inner_texts()
        return address.removeprefix(f"{start}/"), parts[0] if parts else ""

    return first_found


def test_message_finds_its_entry_first(first_found):
    found = {message: first_found(message) for message in MESSAGES}
    assert found == {
        message: ("reference/troubleshooting.html", entry) for message, entry in MESSAGES.items()
    }


def test_other_words_find_where_they_are_explained(first_found):
    assert {words: first_found(words)[0] for words in ELSEWHERE} == ELSEWHERE


def test_code_that_is_shown_again_is_not_searched(site):
    index = json.loads((site / "search/search_index.json").read_text())["docs"]
    found = "".join(entry["text"] for entry in index)
    assert "The whole file after" not in found and "\n@@" not in found
    # A whole file, or everything that changed, would have this line once more.
    line = "class ChatConsumer(WebsocketConsumer):"
    said = "".join(page.text for page in build.entries(chapters.ROOT))
    assert found.count(line) == said.count(line) > 0
    places = [entry["location"] for entry in index]
    assert any(place.endswith("#check-yourself") for place in places)
    assert not [place for place in places if "#everything-that-changed" in place]
