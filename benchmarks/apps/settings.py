"""The settings of the chapter in whose folder the server runs, with DEBUG off.

Chapters 3 to 5 have no variable for that; chapter 6 has, and does without this module.
"""

import os

from config.settings import *  # noqa: F403

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BENCH_DATABASE"]}
}
