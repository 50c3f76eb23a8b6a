import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from chat.management.commands.demo import PASSWORD
from chat.models import Conversation, Message

pytestmark = pytest.mark.django_db(transaction=True)

User = get_user_model()


@pytest.fixture(autouse=True)
def debug(settings):
    settings.DEBUG = True


def everything():
    return [
        list(model.objects.order_by("pk").values())
        for model in (User, Conversation, Message)
    ]


def test_demo_creates_three_people_and_two_conversations():
    call_command("demo")
    assert User.objects.count() == 3
    assert Conversation.objects.count() == 2
    for name in ("ann", "bob", "carol"):
        assert authenticate(username=name, password=PASSWORD)


def test_running_demo_twice_creates_nothing_more():
    call_command("demo")
    made = everything()
    call_command("demo")
    assert everything() == made


def test_demo_refuses_where_it_could_do_harm(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="only for DEBUG = True"):
        call_command("demo")
    assert not User.objects.exists()
