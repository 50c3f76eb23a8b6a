import pytest

from tests.conftest import free_tab

expect = pytest.importorskip("playwright.sync_api").expect

PASSWORD = "channels-demo"

FILL = """
from django.contrib.auth.models import User
from django.core.management import call_command
from chat.models import Conversation, Message
call_command("demo")
bob, carol = User.objects.filter(username__in=["bob", "carol"]).order_by("pk")
conversation = Conversation.objects.between([bob, carol])
Message.objects.bulk_create(
    Message(conversation=conversation, sender=bob, content=number)
    for number in range(120)
)
"""


@pytest.fixture(scope="module", autouse=True)
def demo(manage):
    """The three people and two conversations of the demo, and a long one."""
    manage("shell", "-c", FILL).check_returncode()


@pytest.fixture(scope="module")
def windows(browser, server, demo):
    """A window for each of the three people, in which they are logged in."""
    windows = {}
    for username in ("ann", "bob", "carol"):
        windows[username] = browser.new_context(base_url=server)
        log_in_by_form(windows[username].new_page(), username)
    yield windows
    for window in windows.values():
        window.close()


def log_in_by_form(page, username):
    page.goto("/accounts/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page).to_have_title("Conversations")


@pytest.fixture
def log_in(windows):
    """Return a function that opens the list of conversations as one of the people."""
    taken = []

    def log_in(username):
        page = free_tab(windows[username], taken)
        page.goto("/chat/")
        return page

    yield log_in
    for page in taken:
        page.unroute_all(behavior="ignoreErrors")


def enter(page, name):
    """Open a conversation by its name and wait until its socket is open."""
    page.click(f"#conversations strong:text-is('{name}')")
    expect(page.locator("#status")).to_have_text("Connected.")
    return page


def say(page, text):
    """Send a message with the Enter key, and see the form emptied."""
    write(page, text)
    expect(page.locator("#chat_message")).to_have_value("")


def write(page, text):
    """Type a message and press the Enter key."""
    page.fill("#chat_message", text)
    page.press("#chat_message", "Enter")


def scroll_up(page):
    """Scroll to the top, once more if something arrived before the page had noticed."""
    page.wait_for_function(
        """() => {
          const log = document.querySelector("#content");
          if (log.scrollTop > 0) {
            log.scrollTop = 0;
            return false;
          }
          return true;
        }"""
    )


def latest(page, side="*"):
    """The latest message of the log, if it looks like one's own or another's."""
    return page.locator(f"#content li:last-child:is(.own, .other):is({side}) p")


def test_two_people_see_each_others_messages(log_in):
    ann, bob = enter(log_in("ann"), "bob"), enter(log_in("bob"), "ann")
    say(ann, "Did you find the ladder?")
    expect(latest(ann, ".own")).to_have_text("Did you find the ladder?")
    expect(latest(bob, ".other")).to_have_text("Did you find the ladder?")
    say(bob, "In the shed.")
    expect(latest(bob, ".own")).to_have_text("In the shed.")
    expect(latest(ann, ".other")).to_have_text("In the shed.")

    for page in (ann, bob):
        shown = page.locator("#content p").all_text_contents()
        page.reload()
        expect(page.locator("#status")).to_have_text("Connected.")
        assert page.locator("#content p").all_text_contents() == shown


def test_two_conversations_do_not_mix(log_in):
    ann = enter(log_in("ann"), "bob")
    carol = enter(log_in("carol"), "ann, bob")
    say(carol, "for three")
    say(ann, "for two")
    expect(latest(ann, ".own")).to_have_text("for two")
    expect(latest(carol, ".own")).to_have_text("for three")


def test_enter_and_button_both_send(log_in):
    ann = enter(log_in("ann"), "bob")
    say(ann, "by key")
    expect(latest(ann)).to_have_text("by key")
    ann.fill("#chat_message", "by button")
    ann.click("#form button")
    expect(latest(ann)).to_have_text("by button")
    expect(ann.locator("#chat_message")).to_have_value("")
    expect(ann.locator("#chat_message")).to_be_focused()


def test_markup_shows_as_text(log_in):
    ann, bob = enter(log_in("ann"), "bob"), enter(log_in("bob"), "ann")
    say(ann, "<img src=x onerror=alert(1)>")
    for page in (ann, bob):
        expect(latest(page)).to_have_text("<img src=x onerror=alert(1)>")
    bob.reload()
    expect(latest(bob)).to_have_text("<img src=x onerror=alert(1)>")


def test_enter_before_the_script_has_come_loses_nothing(log_in):
    page = log_in("ann")
    page.route("**/chat.js*", lambda route: None)  # it never comes
    page.click("#conversations a >> nth=0", no_wait_after=True)
    write(page, "early")
    expect(page.locator("#chat_message")).to_have_value("early")
    assert "early" not in page.url


def test_load_earlier_until_there_is_nothing_earlier(log_in):
    carol = enter(log_in("carol"), "bob")
    messages = carol.locator("#content li p")
    expect(messages).to_have_count(50)
    carol.click("#load-earlier")
    expect(messages).to_have_count(100)
    carol.click("#load-earlier")
    expect(carol.locator("#load-earlier")).to_have_count(0)
    numbers = [text for text in messages.all_text_contents() if text.isdigit()]
    assert numbers == [f"{number}" for number in range(120)]


def test_earlier_messages_leave_the_reader_in_place(log_in):
    bob, carol = enter(log_in("bob"), "carol"), enter(log_in("carol"), "bob")
    scroll_up(carol)
    first = carol.locator("#content li").first
    top = first.bounding_box()["y"]
    seen = carol.locator(f"#{first.get_attribute('id')}")
    for text in ("said", "meanwhile"):
        say(bob, text)
        expect(latest(carol)).to_have_text(text)
    carol.click("#load-earlier")
    expect(carol.locator("#content li")).to_have_count(102)
    assert abs(seen.bounding_box()["y"] - top) < 2


def test_new_message_is_followed_but_not_by_a_reader_who_scrolled_up(log_in):
    bob, carol = enter(log_in("bob"), "carol"), enter(log_in("carol"), "bob")
    say(bob, "followed")
    expect(latest(carol)).to_be_in_viewport()
    scroll_up(carol)
    expect(carol.locator("#content li").first).to_be_in_viewport()
    say(bob, "not followed")
    expect(latest(carol)).to_have_text("not followed")
    expect(carol.locator("#content li").first).to_be_in_viewport()


def test_new_conversation_begins_with_names(log_in):
    ann = log_in("ann")
    ann.click("text=New conversation")
    ann.fill("[name=usernames]", "carol, dave")
    ann.press("[name=usernames]", "Enter")
    expect(ann.locator(".errorlist")).to_have_text("Nobody here is called dave.")
    ann.fill("[name=usernames]", "carol")
    ann.press("[name=usernames]", "Enter")
    expect(ann.locator("h1")).to_have_text("carol")
    expect(ann.locator("#status")).to_have_text("Connected.")
    say(ann, "Good morning")
    ann.goto("/chat/")
    expect(ann.locator("#conversations li").first).to_contain_text("ann: Good morning")


def test_page_is_told_that_its_person_logged_out(visit):
    ann = visit("/chat/")
    log_in_by_form(ann, "ann")
    enter(ann, "bob")
    other_tab = ann.context.new_page()
    other_tab.goto("/chat/")
    other_tab.click("text=Log out")
    expect(ann.locator("#status")).to_contain_text("You are logged out.")
    write(ann, "Am I still here?")
    expect(ann.locator("#notice")).to_contain_text("Not sent")
    expect(ann.locator("#chat_message")).to_have_value("Am I still here?")


def test_signing_up_leads_to_the_conversations(visit):
    page = visit("/accounts/signup/")
    page.fill("[name=username]", "erin")
    page.fill("[name=password1]", "plum-cake-4")
    page.fill("[name=password2]", "plum-cake-4")
    page.press("[name=password2]", "Enter")
    expect(page.locator("#conversations")).to_have_text("None yet.")
    expect(page.locator("header")).to_contain_text("erin")
