from django.shortcuts import redirect, render

from chat.forms import RoomForm


def index(request):
    """Ask which room to enter, and redirect there."""
    form = RoomForm(request.GET or None)
    if form.is_valid():
        return redirect(f"/chat/{form.cleaned_data['room_name']}/")
    return render(request, "chat/index.html", {"form": form})
