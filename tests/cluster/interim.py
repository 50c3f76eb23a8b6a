"""A cluster: nginx with TLS, two Daphnes, Redis and PostgreSQL (until course/tasks has one)."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from course import processes
from course.processes import free_port, project_env
from course.replay import checkout, run
from course.tasks import services
from tests.support.servers import Daphne, Postgres, Redis, Server

NGINX = """
daemon off;
error_log {folder}/nginx-error.log warn;
pid {folder}/nginx.pid;
worker_processes 2;
worker_shutdown_timeout 10s;
events {{ worker_connections 1024; }}
http {{
  include /etc/nginx/mime.types;
  access_log {folder}/access.log;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  upstream chat {{ least_conn; {servers} }}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.crt; ssl_certificate_key {folder}/server.key;
    location /static/ {{ alias {project}/staticfiles/; }}
    location / {{
      proxy_pass http://chat;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 3s;
      proxy_read_timeout 75s;
    }}
  }}
}}
"""


class Nginx(Server):
    def __init__(self, folder, port):
        self._port = port
        command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "early.log"]
        super().__init__(command, folder / "nginx.log", folder=folder, environment=os.environ)

    def wait(self):
        self.process.wait_for(lambda: processes.listens(self._port), "nginx doesn't listen.")

    def reload(self):
        self.process.popen.send_signal(1)


class Cluster:
    def __init__(self):
        self._stack = contextlib.ExitStack()
        scratch = Path(tempfile.mkdtemp(prefix="course-cluster-"))
        self._stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        self.folder = scratch / "chat"
        made = run.replay("hardening", checkout.start_of("hardening"), fast=True)
        checkout.write_project(made.files, self.folder)
        self.postgres = Postgres(services.postgres_programs())
        self._stack.callback(self.postgres.close)
        self.postgres.start()
        self.redis = Redis(services.redis_program(), scratch)
        self._stack.callback(self.redis.kill)
        self.redis.start()
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        self.environment = project_env(
            DATABASE_URL=self.postgres.create_database("chat"),
            REDIS_URL=self.redis.url,
            DEBUG="off",
            SECRET_KEY="cluster" * 9,
            ALLOWED_HOSTS="127.0.0.1",
        )
        self.manage("migrate", "-v0")
        self.manage("collectstatic", "--noinput", "-v0")
        self.daphnes = []
        for number in range(2):
            words = ["-p", free_port(), "--proxy-headers", "--websocket-max-message-size", "65536"]
            command = [sys.executable, "-m", "daphne", *words, "config.asgi:application"]
            log = scratch / f"daphne-{number}.log"
            daphne = Daphne(self.folder, log, command, **self.environment)
            self._stack.callback(daphne.kill)
            daphne.begin()
            self.daphnes.append(daphne)
        servers = " ".join(f"server 127.0.0.1:{d.port} max_fails=0;" for d in self.daphnes)
        folder = scratch / "nginx"
        folder.mkdir()
        if os.geteuid() == 0:
            for each in [folder, *folder.parents][:-2]:
                each.chmod(0o755)
            self.folder.chmod(0o755)
        self.authority = folder / "server.crt"
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
                "-subj",
                "/CN=chat",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                folder / "server.key",
                "-out",
                self.authority,
            ],
            check=True,
            capture_output=True,
        )
        (folder / "nginx.conf").write_text(
            NGINX.format(folder=folder, servers=servers, port=port, project=self.folder)
        )
        self.nginx = Nginx(folder, port)
        self._stack.callback(self.nginx.kill)
        self.nginx.start()

    def manage(self, *words):
        command = [sys.executable, "manage.py", *words]
        return processes.run(command, "It failed.", env=self.environment, cwd=self.folder)

    def rolling_restart(self):
        for daphne in self.daphnes:
            daphne.stop(5)
            daphne.start()

    def close(self):
        self._stack.close()
