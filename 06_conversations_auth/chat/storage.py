from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


class VersionedStaticFilesStorage(StaticFilesStorage):
    """Give an edited file a new address, so that browsers don't use an old copy."""

    def url(self, name):
        address = super().url(name)
        found = finders.find(name)
        return f"{address}?v={Path(found).stat().st_mtime_ns}" if found else address
