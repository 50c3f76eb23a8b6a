"""The project's settings, for processes that a test starts."""

import os

from config.settings import *  # noqa: F403

# A slow hash protects no one here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if REDIS_URL:  # noqa: F405
    CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = os.environ["LIVE_PREFIX"]  # noqa: F405
