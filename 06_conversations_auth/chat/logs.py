import logging
import time


class OncePerMinute(logging.Filter):
    """Let the same line through once a minute, and without a traceback."""

    def __init__(self):
        super().__init__()
        self.last = {}

    def filter(self, record):
        now = time.monotonic()
        if now - self.last.get(record.msg, -60) < 60:
            return False
        self.last[record.msg] = now
        if record.exc_info:
            record.msg, record.exc_info = f"{record.msg} {record.exc_info[1]}", None
        return True
