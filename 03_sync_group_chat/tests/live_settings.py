"""The project's settings, for processes that a test starts."""

import os

from config.settings import *  # noqa: F403

DATABASES["default"]["NAME"] = os.environ["LIVE_DATABASE"]  # noqa: F405
