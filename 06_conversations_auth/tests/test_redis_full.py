import shutil
import subprocess

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry

from chat.models import Message
from tests.frames import message, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_redis(settings, tmp_path):
    """A separate Redis, which the test may stop or fill up."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if not program:
        pytest.skip("no redis-server or valkey-server to start")
    path = tmp_path / "redis.sock"
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", path, "--save", ""], cwd=tmp_path
    )
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "hosts": [{"address": f"unix://{path}", "socket_timeout": None}]
            },
        }
    }
    patience = Retry(ConstantBackoff(0.05), 200, supported_errors=(ConnectionError,))
    redis = Redis(unix_socket_path=str(path), retry=patience)
    redis.ping()
    yield redis
    redis.close()
    server.terminate()
    server.wait(timeout=10)


async def test_message_is_stored_when_redis_takes_nothing_more(own_redis, enter):
    ann, bob = await enter("ann"), await enter("bob")
    own_redis.config_set("maxmemory", 1)
    await ann.send_json_to({"chat_message": "Tea?"})
    assert await message(ann) == ("own", "Tea?")
    assert await Message.objects.acount() == 1
    await ann.send_json_to({})  # frames are handled in order: Redis has refused before
    assert "#notice" in await ann.receive_from()

    own_redis.config_set("maxmemory", 0)
    await say(ann, "Now?")
    assert await message(bob) == ("other", "Now?")


def test_logging_out_needs_no_redis(own_redis, client, conversation):
    client.force_login(conversation.participants.get(username="ann"))
    own_redis.config_set("maxmemory", 1)
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/chat/").status_code == 302
