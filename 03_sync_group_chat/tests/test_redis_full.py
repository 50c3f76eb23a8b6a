import shutil
import subprocess

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry

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


async def test_sender_is_told_when_redis_takes_nothing_more(own_redis, enter, caplog):
    ann, bob = await enter(), await enter()
    own_redis.config_set("maxmemory", 1)
    await ann.send_json_to({"message": "Tea?"})
    assert "could not be delivered" in (await ann.receive_json_from())["error"]
    assert await bob.receive_nothing()
    assert "Not delivered to chat_lobby: " in caplog.text
    assert "'maxmemory'" in caplog.text

    own_redis.config_set("maxmemory", 0)
    await ann.send_json_to({"message": "Tea?"})
    for person in (ann, bob):
        assert await person.receive_json_from() == {"message": "Tea?"}
