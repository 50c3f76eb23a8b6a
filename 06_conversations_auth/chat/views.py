from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from chat.forms import ConversationForm
from chat.history import latest_messages
from chat.models import Conversation


@never_cache
@login_required
def index(request):
    """List my conversations, the most recent first."""
    mine = Conversation.objects.filter(participants=request.user)
    conversations = [
        (conversation, conversation.name_for(request.user))
        for conversation in mine.latest_first().prefetch_related("participants")
    ]
    return render(request, "chat/index.html", {"conversations": conversations})


@never_cache
@login_required
def new(request):
    """Start a conversation, or open the existing one."""
    form = ConversationForm(request.POST or None, user=request.user)
    if form.is_valid():
        people = [request.user, *form.cleaned_data["usernames"]]
        conversation = Conversation.objects.get_or_create_for(people)
        return redirect("chat:conversation", conversation.pk)
    return render(request, "chat/new.html", {"form": form})


@never_cache
@login_required
def conversation(request, conversation_id):
    """Show a conversation with its latest messages."""
    conversation = get_mine(request.user, conversation_id)
    context = {
        "conversation": conversation,
        "name": conversation.name_for(request.user),
        "socket_path": f"{request.META['SCRIPT_NAME']}/ws/chat/{conversation.pk}/",
        **latest_messages(conversation.pk),
    }
    return render(request, "chat/conversation.html", context)


@never_cache
def earlier(request, conversation_id):
    """Return the messages before one of them, as a partial for htmx."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    conversation = get_mine(request.user, conversation_id)
    try:
        before = int(request.GET["before"])
    except (KeyError, ValueError):
        return HttpResponseBadRequest("`before` has to be the number of a message.")
    context = latest_messages(conversation.pk, before)
    return render(request, "chat/partials/earlier.html", context)


def get_mine(user, conversation_id):
    """Return a conversation in which the user takes part; 404 for any other."""
    return get_object_or_404(Conversation, pk=conversation_id, participants=user)
