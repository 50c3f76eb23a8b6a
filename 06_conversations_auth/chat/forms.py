import re

from django import forms
from django.contrib.auth import get_user_model

User = get_user_model()

MOST_PEOPLE = 20


class ConversationForm(forms.Form):
    """Find the people whose user names are typed."""

    usernames = forms.CharField(
        label="With whom?",
        help_text="One or more user names, with spaces or commas between them.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_usernames(self):
        """Return the users, without the one who asks."""
        typed = User.normalize_username(self.cleaned_data["usernames"])
        names = set(re.split(r"[\s,]+", typed)) - {"", self.user.username}
        if not names:
            raise forms.ValidationError("Name somebody other than yourself.")
        if len(names) > MOST_PEOPLE:
            raise forms.ValidationError(f"Name {MOST_PEOPLE} people at most.")
        people = User.objects.filter(username__in=names, is_active=True)
        missing = names - {person.username for person in people}
        if missing:
            raise forms.ValidationError(
                f"Nobody here is called {', '.join(sorted(missing))}."
            )
        return list(people)
