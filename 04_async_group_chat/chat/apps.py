import signal

from django.apps import AppConfig
from twisted.internet import reactor


class ChatConfig(AppConfig):
    default_auto_field = 'django.db.models.BigAutoField'
    name = 'chat'

    def ready(self):
        # A handler that waits for the event loop must not keep a stopped server.
        reactor.addSystemEventTrigger('before', 'shutdown', signal.alarm, 3)
