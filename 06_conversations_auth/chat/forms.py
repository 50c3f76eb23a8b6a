import re

from django import forms
from django.contrib.auth import get_user_model

User = get_user_model()

MAX_PARTICIPANTS = 20


class ConversationForm(forms.Form):
    """Find the people whose user names are typed."""

    usernames = forms.CharField(
        label="With whom?",
        help_text="One or more user names, with spaces or commas between them.",
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "off", "autocapitalize": "none"}
        ),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_usernames(self):
        """Return the users, without the current user."""
        typed = User.normalize_username(self.cleaned_data["usernames"])
        names = set(re.split(r"[\s,]+", typed)) - {""}
        if len(names) > MAX_PARTICIPANTS:
            raise forms.ValidationError(f"Name {MAX_PARTICIPANTS} people at most.")
        people = {name: find_user(name) for name in names}
        if missing := sorted(name for name in names if not people[name]):
            raise forms.ValidationError(f"Nobody here is called {', '.join(missing)}.")
        others = set(people.values()) - {self.user}
        if not others:
            raise forms.ValidationError("Name somebody other than yourself.")
        return list(others)


def find_user(name):
    """Return the active user of that name, or None. Capitals may differ."""
    similar = User.objects.filter(**{f"{User.USERNAME_FIELD}__iexact": name})
    found = [user for user in similar if user.is_active]
    exact = [user for user in found if user.get_username() == name]
    matches = exact or found
    return matches[0] if len(matches) == 1 else None
