"""Rules for a running chapter. Each returns the violations it finds, as one line each."""

import json
from contextlib import ExitStack

from tests.chapters.markup_rules import inline_script, loads_from_other_hosts, unsafe_htmx_settings
from tests.support.answers import Markup, message, refusal
from tests.support.listening import is_message, until
from tests.support.visit import MARKUP, SIGNS, Visit

FOREIGN = "http://evil.example"
OTHER_ORIGINS = {
    "another site": FOREIGN,
    "a site with a similar name": "http://127.0.0.1.evil.example",
    "a page with a null Origin": "null",
    "a client without an Origin": None,
}
ATTACKS = [
    MARKUP,
    "<script>alert(1)</script>",
    '</textarea></p></li></ol><p hx-swap-oob="innerHTML:#notice">Stored</p>',
    "&lt;b&gt; {% now 'Y' %} {{ message }}",
]
ODD_TEXTS = ["", " ", "\0", "\r\n", b"\xff", b"\xed\xa0\x80", "\N{GRINNING FACE}", "x" * 10_000]
ANSWERED = {200, 301, 302, 400, 404}


def pages_escape_input(visit: Visit) -> list[str]:
    """Type markup into every text field: the page must show it as text, not as an element."""
    found = []
    for field in visit.contract.fields:
        shown = 0
        for typed in (MARKUP, SIGNS):
            answer = visit.submit(field, typed)
            if answer.status == 302 and not set("<>\"'") & set(answer.location):
                continue  # the form has made a harmless room name from it
            read = Markup(answer.text)
            values = [value for _, attributes in read.tags for value in attributes.values()]
            shown += any(typed in text for text in [*values, *(text for _, text in read.texts)])
            if typed in answer.text or any(tag == "img" for tag, _ in read.tags):
                found.append(f"{field.path} doesn't escape {field.name}: {typed}")
        if not shown:
            found.append(f"{field.path} doesn't show what was typed as {field.name}")
    return found


def messages_arrive_as_text(visit: Visit) -> list[str]:
    """Send markup: it must arrive as text, at its sender and at another member."""
    found = []
    shapes: dict[str, list] = {}
    with visit.enter(0) as other, visit.enter(1) as own:
        readers = {
            "the sender": own,
            **({"another member": other} if visit.contract.shared else {}),
        }
        for sent in ["Tea?", *ATTACKS]:
            own.send(json.dumps({visit.contract.key: sent}))
            for reader, socket in readers.items():
                frame = until(socket, is_message)[-1]
                shape = [(tag, *attributes) for tag, attributes in Markup(frame).tags]
                if message(frame) != sent:
                    found.append(f"{reader} doesn't get {sent!r}, but {frame!r}")
                elif not frame.startswith("{") and shapes.setdefault(reader, shape) != shape:
                    found.append(f"{reader} gets {sent!r} as other elements: {frame!r}")
    if visit.contract.people:
        found += _kept_as_text(visit)
    return found


def _kept_as_text(visit: Visit) -> list[str]:
    """Check that pages show stored messages and people's names as text."""
    found = []
    pages = {path: Markup(visit.ask("GET", path).text) for path in ("/chat/", "/chat/2/")}
    for path, read in pages.items():
        if any(tag == "img" for tag, _ in read.tags) or MARKUP not in read.text():
            found.append(f"{path} shows a name as something other than text")
    for sent in ATTACKS:
        if sent not in pages["/chat/2/"].text("li", "p"):
            found.append(f"/chat/2/ shows a message as something other than text: {sent}")
    return found


def pages_run_only_own_scripts(visit: Visit) -> list[str]:
    """Look at every page: it has no inline script, and loads nothing from another host."""
    found = []
    for path in visit.contract.pages:
        for person in (0, None):
            answer = visit.ask("GET", path, person)
            if person is None and answer.status in (302, 401):
                answer = visit.ask("GET", answer.location, None) if answer.location else answer
            elif answer.status != 200:
                found.append(f"{path} is answered with {answer.status}")
            for rule in (inline_script, loads_from_other_hosts, unsafe_htmx_settings):
                found += [f"{path} has {fault}" for fault in rule(answer.text)]
    return found


def only_own_pages_open_sockets(visit: Visit) -> list[str]:
    """Open sockets with a foreign Origin, and with none: they must be refused with 403."""
    found = []
    if (status := visit.handshake("own")) != 101:
        found.append(f"a page of the same site is answered with {status}")
    for client, origin in OTHER_ORIGINS.items():
        if (status := visit.handshake(origin)) != 403:
            found.append(f"{client} is answered with {status}")
    return found


def bad_frames(key: str) -> dict[str, str | bytes]:
    """Return malformed frames by description; `key` is the JSON key of a message."""
    return {
        "an empty frame": "",
        "an empty binary frame": b"",
        "a binary frame": json.dumps({key: "Tea?"}).encode(),
        "no JSON": "Tea?",
        "JSON nested too deep": "[" * 60_000,
        "a number too long": f'{{"{key}": {"9" * 5000}}}',
        "a list": "[]",
        "a text": '"Tea?"',
        "null": "null",
        "no message": "{}",
        "a number for a message": f'{{"{key}": 1}}',
        "no number for a message": f'{{"{key}": NaN}}',
        "null for a message": f'{{"{key}": null}}',
        "a list for a message": f'{{"{key}": ["Tea?"]}}',
        "an object for a message": f'{{"{key}": {{"{key}": "Tea?"}}}}',
        "an empty message": f'{{"{key}": ""}}',
        "white space for a message": f'{{"{key}": " \\n\\t\\u2003"}}',
        "a message too long": json.dumps({key: "x" * 2001}),
        "NUL in a message": f'{{"{key}": "a\\u0000b"}}',
        "half of a surrogate pair": f'{{"{key}": "\\ud800"}}',
    }


def bad_frames_are_refused(visit: Visit) -> list[str]:
    """Send malformed frames: only the sender gets an error, one for each; none is logged."""
    found = []
    begin = len(visit.server.log())
    with ExitStack() as stack:
        other, own = (stack.enter_context(visit.enter(person)) for person in (0, 1))
        for number, (what, frame) in enumerate(bad_frames(visit.contract.key).items()):
            good = f"after {number}"
            try:
                own.send(frame)
                own.send(json.dumps({visit.contract.key: good}))
                received = until(own, is_message)
                heard = until(other, is_message) if visit.contract.shared else []
            except AssertionError as broken:
                return [f"{what}: {broken}", visit.server.trouble(begin)]
            if message(received[-1]) != good or len([one for one in received if refusal(one)]) != 1:
                found.append(f"{what} is answered with {received}")
            if heard and (len(heard) != 1 or message(heard[0]) != good):
                found.append(f"{what} reaches another member: {heard}")
    if trouble := visit.server.trouble(begin):
        found.append(trouble)
    return found


def odd_requests_do_not_fail(visit: Visit) -> list[str]:
    """Request pages that don't exist, and send odd forms: nothing must fail or be stored."""
    found = []
    visit.log_in()
    begin = len(visit.server.log())
    before = visit.server.stored()
    for path in visit.contract.odd:
        for person in (0, None):
            if (status := visit.ask("GET", path, person).status) not in ANSWERED | {401}:
                found.append(f"{path[:60]} is answered with {status}")
    for field in visit.contract.fields:
        # Each attempt to log in has to compute a slow password hash.
        if "login" not in field.path:
            for text in ODD_TEXTS:
                if (status := visit.submit(field, text).status) not in ANSWERED:
                    found.append(f"{field.path} answers {text[:60]!r} with {status}")
    if visit.server.stored() != before:
        found.append("something was stored")
    if trouble := visit.server.trouble(begin):
        found.append(trouble)
    return found


def get_requests_change_nothing(visit: Visit) -> list[str]:
    """Send GET and HEAD to every address, as a foreign page's link could: nothing may change."""
    found = []
    visit.log_in()
    before = visit.server.stored()
    for path in [*visit.contract.pages, *visit.contract.tempting]:
        for method in ("GET", "HEAD"):
            for person in (0, None):
                answer = visit.ask(method, path, person)
                if answer.status >= 500:
                    found.append(f"{method} {path} is answered with {answer.status}")
                if "sessionid" in answer.cookies:
                    found.append(f"{method} {path} logs in or out")
        if (after := visit.server.stored()) != before:
            found.append(f"GET {path} stores something")
            before = after
    return found


def posts_need_a_token(visit: Visit) -> list[str]:
    """Send POST to every address, as a foreign page could: it must be refused with 403."""
    found = []
    visit.log_in()
    before = visit.server.stored()
    for path in [*visit.contract.pages, *visit.contract.tempting]:
        answer = visit.server.ask("POST", path, visit.people[0], {"usernames": "bob"})
        if answer.status != 403:
            found.append(f"a POST to {path} without a token is answered with {answer.status}")
    for field in visit.contract.fields:
        if field.method == "POST":
            token, cookies = visit.token(field.path)
            form = {"csrfmiddlewaretoken": token, field.name: "bob", **dict(field.others)}
            answer = visit.server.ask("POST", field.path, cookies, form, Origin=FOREIGN)
            if answer.status != 403:
                found.append(f"a foreign page may post to {field.path}: HTTP {answer.status}")
    if visit.server.stored() != before:
        found.append("something was stored")
    return found
