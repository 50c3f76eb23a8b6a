from django import forms
from django.utils.text import slugify

MAX_ROOM_NAME_LENGTH = 50


class RoomForm(forms.Form):
    """Turn what a visitor types into a room name."""

    room_name = forms.CharField()

    def clean_room_name(self):
        room_name = slugify(self.cleaned_data["room_name"])[:MAX_ROOM_NAME_LENGTH]
        if not room_name:
            raise forms.ValidationError(
                "A room's name needs a letter from a to z or a digit."
            )
        return room_name
