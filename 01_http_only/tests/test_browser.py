import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def test_cursor_stands_in_the_form(visit):
    page = visit("/")
    expect(page.locator("#room-name-input")).to_be_focused()


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


def test_no_name_left_is_said(visit):
    page = visit("/chat/")
    page.fill("#room-name-input", "日本")
    page.click("#room-name-submit")
    expect(page.locator("#notice")).to_contain_text("needs a letter")


@pytest.mark.parametrize("path", ["/chat/", "/admin/login/"])
def test_stylesheets_are_served(visit, path):
    page = visit(path)
    assert page.evaluate("[...document.styleSheets].every(s => s.cssRules.length)")
