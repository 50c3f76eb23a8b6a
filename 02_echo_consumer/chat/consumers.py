import json

from channels.generic.websocket import WebsocketConsumer

from chat.frames import BadFrame, read_message


class ChatConsumer(WebsocketConsumer):
    """Send each message back to its sender."""

    def connect(self):
        self.accept()

    def receive(self, text_data=None, bytes_data=None):
        try:
            message = read_message(text_data)
        except BadFrame as error:
            self.send(json.dumps({"error": str(error)}))
        else:
            self.send(json.dumps({"message": message}))
