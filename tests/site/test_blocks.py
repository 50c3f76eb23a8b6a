"""Does a browser show what the site adds to code, and do the buttons copy what they promise."""

import pytest

# It has an edit of several hunks, servers' output, and files that change more than once.
PAGE = "chapters/03_sync_group_chat/2_many_processes.html"
LAST_COPIED = "navigator.clipboard.readText()"


@pytest.fixture(params=["http", "file"])
def page(request, site, served_site, chromium):
    start = served_site if request.param == "http" else site.as_uri()
    with chromium.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto(f"{start}/{PAGE}")
        # Buttons answer once the theme's script has added its own.
        page.locator(".md-code__button").first.wait_for()
        yield page


def press(page, button):
    """Return what a button copies, pressed from the keyboard."""
    page.evaluate("navigator.clipboard.writeText('')")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(LAST_COPIED)
    return page.evaluate(LAST_COPIED)


def test_each_hunk_is_copied_by_itself(page):
    diff = page.locator(".highlight.diff", has=page.locator(".copy-hunk")).first
    buttons = diff.get_by_role("button", name="Copy this hunk")
    assert buttons.count() > 1
    copied = [press(page, button) for button in buttons.all()]
    added = [line.removesuffix("\n") for line in diff.locator(".gi").all_text_contents()]
    assert "\n".join(copied).split("\n") == [line[1:] for line in added]
    assert len(set(copied)) == len(copied)
    # The theme's button would join them.
    assert diff.locator(".md-code__button").count() == 0
    assert page.get_by_text("Copied to clipboard").is_visible()


def test_edit_of_one_hunk_has_one_button(page):
    diffs = page.locator(".highlight.diff:not(:has(.copy-hunk)):not(.no-copy)")
    assert diffs.count() > 0
    for diff in diffs.all():
        assert diff.locator(".md-code__button").count() == 1


def test_whole_file_opens_and_is_copied(page):
    fold = page.locator("details.whole-file").first
    assert not fold.locator("pre").is_visible()
    fold.locator("summary").press("Enter")
    code = fold.locator("pre > code")
    assert code.is_visible()
    assert press(page, fold.locator(".md-code__button")) == code.text_content().rstrip()


def test_printed_page_has_no_whole_file_and_no_button(page):
    page.emulate_media(media="print")
    for hidden in (".whole-file", ".copy-hunk"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator(".highlight .terminal").first.is_visible()


def test_servers_output_does_not_look_typed(page):
    look = """(code) => [getComputedStyle(code).color, getComputedStyle(code).backgroundColor]"""
    printed = page.locator(".highlight.printed pre > code").first.evaluate(look)
    typed = page.locator(".highlight.console:not(.printed) pre > code").first.evaluate(look)
    assert all(one != other for one, other in zip(printed, typed, strict=True))


def test_button_stays_in_sight_on_a_telephone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    diff = page.locator(".highlight.diff", has=page.locator(".copy-hunk")).first
    code = diff.locator("pre > code")
    for scrolled in ("0", "this.scrollWidth"):
        code.evaluate(f"function (code) {{ code.scrollLeft = {scrolled.replace('this', 'code')} }}")
        for button in diff.locator(".copy-hunk").all():
            box = button.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert min(box["width"], box["height"]) >= 24
