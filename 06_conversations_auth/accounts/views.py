from django.contrib.auth import login
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.forms import SignUpForm


@never_cache
def signup(request):
    """Create an account, and log its owner in."""
    form = SignUpForm(request.POST or None)
    if form.is_valid():
        login(request, form.save())
        return redirect("chat:index")
    return render(request, "registration/signup.html", {"form": form})
