"""Every kind of frame that isn't a message, by name."""

import json

BAD_FRAMES = {
    "empty frame": {"text": ""},
    "binary frame": {"bytes": b'{"chat_message": "hello"}'},
    "not JSON": {"text": "hello"},
    "too deep": {"text": "[" * 60_000},
    "too many digits": {"text": '{"chat_message": %s}' % ("9" * 5000)},
    "list": {"text": "[]"},
    "null": {"text": "null"},
    "no message": {"text": "{}"},
    "number": {"text": '{"chat_message": 1}'},
    "list in its place": {"text": '{"chat_message": ["hello"]}'},
    "object in its place": {"text": '{"chat_message": {}}'},
    "empty": {"text": '{"chat_message": ""}'},
    "white space": {"text": '{"chat_message": " \\n "}'},
    "invisible": {"text": '{"chat_message": "\\u200b\\u3164"}'},
    "too long": {"text": json.dumps({"chat_message": "x" * 2001})},
    "NUL": {"text": '{"chat_message": "a\\u0000b"}'},
    "lone surrogate": {"text": '{"chat_message": "\\ud800"}'},
}
