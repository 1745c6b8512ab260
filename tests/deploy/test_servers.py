"""The servers that tests start are really there, on the loopback, and gone afterwards."""

from pathlib import Path

import httpx
import psycopg
import redis

from tests.children import free_port, listens
from tests.servers import NginxServer, PostgresServer, RedisServer

PAGE = """
pid {folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; return 204; }}
}}
"""


def test_postgresql_answers_and_leaves_no_process_behind() -> None:
    with PostgresServer() as postgres:
        assert postgres.process is not None
        pid = postgres.process.pid
        with psycopg.connect(postgres.url) as connection:
            row = connection.execute("SELECT current_database(), current_user").fetchone()

    assert row == ("portal", "portal")
    assert not Path(f"/proc/{pid}").exists()
    assert not listens(postgres.port)
    assert not postgres.folder.exists()


def test_redis_answers_with_the_options_it_was_given() -> None:
    with RedisServer(["--appendonly", "yes"]) as server, redis.Redis.from_url(server.url) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}

    assert not listens(server.port)


def test_nginx_runs_a_configuration_text() -> None:
    port = free_port()
    with NginxServer(lambda folder: PAGE.format(folder=folder, port=port), port=port) as server:
        answer = httpx.get(f"http://127.0.0.1:{port}/")

    assert answer.status_code == 204

    assert not listens(server.port)
