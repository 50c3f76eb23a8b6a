from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm


class SignUpForm(UserCreationForm):
    """Django's form, for whichever user model the project has."""

    class Meta(UserCreationForm.Meta):
        model = get_user_model()
        fields = [model.USERNAME_FIELD]
