import os
import shutil
import time

import pytest

from tests.conftest import PROJECT

expect = pytest.importorskip("playwright.sync_api").expect


def test_cursor_is_in_the_field_and_the_field_has_a_label(visit):
    page = visit("/")
    expect(page.get_by_label("Room name")).to_be_focused()


def test_empty_name_is_not_sent(visit):
    page = visit("/chat/")
    page.press("#room-name-input", "Enter")
    expect(page.locator("#room-name-input:invalid")).to_be_focused()
    assert page.url.endswith("/chat/")


def test_hebrew_runs_from_right_to_left(visit):
    page = visit("/chat/")
    page.fill("#room-name-input", "שלום!")
    expect(page.locator("#room-name-input")).to_have_css("direction", "rtl")


def test_enter_leads_to_the_room(visit):
    page = visit("/chat/")
    page.fill("#room-name-input", "Café du coin")
    page.press("#room-name-input", "Enter")
    page.wait_for_url("**/chat/cafe-du-coin/")


def test_button_leads_to_the_room(visit):
    page = visit("/chat/")
    page.fill("#room-name-input", "lobby")
    page.click("#room-name-submit")
    page.wait_for_url("**/chat/lobby/")


def test_name_without_usable_characters_is_explained(visit):
    page = visit("/chat/")
    page.fill("#room-name-input", "日本")
    page.click("#room-name-submit")
    expect(page.get_by_role("alert")).to_contain_text("needs a letter")


@pytest.mark.parametrize("path", ["/chat/", "/admin/login/"])
def test_stylesheets_are_served(visit, path):
    page = visit(path)
    assert page.evaluate("[...document.styleSheets].every(s => s.cssRules.length)")


def test_edited_stylesheet_is_used_after_a_reload(browser, serve, tmp_path):
    ignore = shutil.ignore_patterns(".*", "__pycache__", "db.sqlite3")
    folder = shutil.copytree(PROJECT, tmp_path / "copy", ignore=ignore)
    stylesheet = folder / "chat" / "static" / "chat" / "chat.css"
    a_month_ago = time.time() - 30 * 24 * 60 * 60
    os.utime(stylesheet, (a_month_ago, a_month_ago))
    _, port = serve(folder=folder)
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/chat/")
    expect(page.locator("main")).not_to_have_css("color", "rgb(1, 2, 3)")

    stylesheet.write_text("main { color: rgb(1, 2, 3) }")
    page.reload()
    expect(page.locator("main")).to_have_css("color", "rgb(1, 2, 3)")
    page.close()
