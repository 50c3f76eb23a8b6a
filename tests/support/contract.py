"""Describe how tests talk to each chapter: its pages, its forms and its socket."""

from dataclasses import dataclass

from course import chapters


@dataclass(frozen=True)
class Field:
    """A text field on a page: how and where its form is sent, and the form's other values."""

    method: str
    path: str
    name: str
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Contract:
    """The addresses, forms and users that a test needs to visit a chapter.

    `routes` are the patterns in its urls.py. `pages` are addresses that show a page, `odd` are
    addresses that lead nowhere, and `tempting` are others where a GET request mustn't change
    anything. `socket` is the path of its WebSocket, and `key` is the JSON key of a message.
    `shared` tells whether other members receive a message, and `syncs` whether a page may ask for
    messages that it missed. `people` are the users who take part there and have to log in.
    """

    routes: frozenset[str]
    pages: tuple[str, ...]
    fields: tuple[Field, ...]
    odd: tuple[str, ...]
    tempting: tuple[str, ...] = ()
    socket: str = ""
    key: str = ""
    shared: bool = True
    syncs: bool = False
    people: tuple[str, ...] = ()


# URL-encoded: nothing, a space, NUL, invalid UTF-8, half of a surrogate pair, and so on.
ODD = ("", "%20", "%00", "%FF", "%ED%A0%80", "%F0%9F%98%80", "%0D%0ASet-Cookie:x", "x" * 10_000)

ROOM_FIELD = Field("GET", "/chat/", "room_name")
ODD_ROOM_NAMES = tuple(f"/chat/?room_name={text}" for text in ODD)
ODD_ROOMS = tuple(
    f"/chat/{name}/" for name in ("%20", "%00", "%FF", "%0A", "caf%C3%A9", "..%2F", "x" * 51)
)
ODD_NUMBERS = ("0", "-1", "x", "1.5", "%00", "9" * 30, "9" * 5000)


def _rooms(key: str, shared: bool = True) -> Contract:
    return Contract(
        routes=frozenset({"", "chat/", "admin/", "static/<path:path>", "^{ROOM_NAME}/$"}),
        pages=("/chat/", "/chat/?room_name=%3F", "/chat/lobby/"),
        fields=(ROOM_FIELD,),
        odd=ODD_ROOM_NAMES + ODD_ROOMS,
        socket="/ws/chat/lobby/",
        key=key,
        shared=shared,
    )


_INDEX = Contract(
    routes=frozenset({"", "chat/", "admin/", "static/<path:path>"}),
    pages=("/chat/", "/chat/?room_name=%3F"),
    fields=(ROOM_FIELD,),
    odd=ODD_ROOM_NAMES,
)

# Ann, bob and carol take part in the demo's second conversation.
_CONVERSATIONS = Contract(
    routes=frozenset(
        {
            "",
            "accounts/",
            "admin/",
            "chat/",
            "<int:conversation_id>/",
            "<int:conversation_id>/earlier/",
            "login/",
            "logout/",
            "new/",
            "signup/",
            "static/<path:path>",
        }
    ),
    pages=(
        "/chat/",
        "/chat/new/",
        "/chat/2/",
        "/chat/2/earlier/?before=100",
        "/accounts/signup/",
    ),
    fields=(
        Field("POST", "/accounts/login/", "username", (("password", "x"),)),
        Field("POST", "/accounts/signup/", "username"),
        Field("POST", "/chat/new/", "usernames"),
    ),
    odd=(
        *(f"/chat/{number}/" for number in ODD_NUMBERS),
        *(f"/chat/2/earlier/?before={number}" for number in ODD_NUMBERS),
        "/chat/2/earlier/",
    ),
    tempting=(
        "/accounts/logout/",
        "/accounts/signup/?username=eve&password1=plum-cake-4&password2=plum-cake-4",
        f"/accounts/login/?username=bob&password={chapters.DEMO_PASSWORD}",
        "/chat/new/?usernames=bob",
        "/chat/2/?chat_message=Tea",
    ),
    socket="/ws/chat/2/",
    key="chat_message",
    syncs=True,
    people=("ann", "bob", "carol"),
)

CHAPTERS = dict(
    zip(
        chapters.NAMES,
        [
            _INDEX,
            _rooms("message", shared=False),
            _rooms("message"),
            _rooms("message"),
            _rooms("chat_message"),
            _CONVERSATIONS,
        ],
        strict=True,
    )
)
WITH_SOCKET = [name for name, contract in CHAPTERS.items() if contract.socket]
