"""Every kind of frame that isn't a message, by name."""

import json

BAD_FRAMES = {
    "empty frame": {"text": ""},
    "binary frame": {"bytes": b'{"message": "hello"}'},
    "not JSON": {"text": "hello"},
    "too deep": {"text": "[" * 60_000},
    "too many digits": {"text": '{"message": %s}' % ("9" * 5000)},
    "list": {"text": "[]"},
    "null": {"text": "null"},
    "no message": {"text": "{}"},
    "number": {"text": '{"message": 1}'},
    "list in its place": {"text": '{"message": ["hello"]}'},
    "object in its place": {"text": '{"message": {}}'},
    "empty": {"text": '{"message": ""}'},
    "white space": {"text": '{"message": " \\n "}'},
    "invisible": {"text": '{"message": "\\u200b\\u3164"}'},
    "too long": {"text": json.dumps({"message": "x" * 2001})},
    "NUL": {"text": '{"message": "a\\u0000b"}'},
    "lone surrogate": {"text": '{"message": "\\ud800"}'},
}
