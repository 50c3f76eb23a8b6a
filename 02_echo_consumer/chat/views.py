from django.shortcuts import redirect, render

from chat.forms import RoomForm


def index(request):
    """Ask which room to enter, and redirect there."""
    form = RoomForm(request.GET or None)
    if form.is_valid():
        return redirect("chat:room", form.cleaned_data["room_name"])
    return render(request, "chat/index.html", {"form": form})


def room(request, room_name):
    """Show one room."""
    socket_path = f"{request.META['SCRIPT_NAME']}/ws/chat/{room_name}/"
    context = {"room_name": room_name, "socket_path": socket_path}
    return render(request, "chat/room.html", context)
