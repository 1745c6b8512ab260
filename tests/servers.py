"""The servers of a larger house, as children of a test: PostgreSQL, Redis and nginx from Debian's packages.

with PostgresServer() as postgres:
    ...  # postgres.url, postgres.django()
"""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import psycopg

from tests.children import Child, free_port, listens, need


class PostgresServer(Child):
    """PostgreSQL in a folder of its own, without fsync; as user `postgres` where the tests run as root.

    `options` are what follows `postgres` in docker-compose.yml. `is_durable`: what is committed is on the disk.
    """

    database = owner = "portal"

    def __init__(
        self, options: Sequence[str] = ("-c", "max_connections=200"), *, port: int = 0, is_durable: bool = False
    ) -> None:
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        self._initdb, self._postgres = need("initdb", *folders), need("postgres", *folders)
        super().__init__("postgresql", user="postgres")
        self.port = port or free_port()
        self.password = secrets.token_urlsafe(16)
        self._options, self._is_durable = list(options), is_durable

    @property
    def url(self) -> str:
        """What DATABASE_URL takes."""
        return f"postgres://{self.owner}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    def django(self) -> dict[str, object]:
        """The entry of Django's DATABASES."""
        return {
            "ENGINE": "django.db.backends.postgresql", "NAME": self.database, "USER": self.owner,
            "PASSWORD": self.password, "HOST": "127.0.0.1", "PORT": str(self.port),
        }  # fmt: skip

    def __enter__(self) -> Self:
        data, secret = self.folder / "data", self.folder / "password"
        secret.touch(mode=0o644)
        secret.write_text(self.password, encoding="ascii")
        self.run([self._initdb, "-D", str(data), "-U", self.owner, "--auth=scram-sha-256",
                  f"--pwfile={secret}", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"])  # fmt: skip
        options = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": str(self.folder),
            "fsync": "off", "synchronous_commit": "off",
            "shared_buffers": "32MB",
        }  # fmt: skip
        if self._is_durable:
            options |= {"fsync": "on", "synchronous_commit": "on"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self.start([self._postgres, "-D", str(data), *self._options, *settings], ready=self._answers)
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.database}")
        return self

    def _address(self, database: str) -> str:
        return self.url.removesuffix(self.database) + database

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class RedisServer(Child):
    """Redis on a port of its own. `options` are what follows `redis-server` in docker-compose.yml."""

    def __init__(self, options: Sequence[str] = (), *, port: int = 0) -> None:
        self._program = need("redis-server")
        super().__init__("redis")
        self.port = port or free_port()
        self._options = list(options)

    @property
    def url(self) -> str:
        """What BROKER_URL takes; another database of it suits CHANNEL_REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--daemonize", "no"]
        self.start([self._program, *self._options, *own], ready=lambda: listens(self.port))
        return self


class NginxServer(Child):
    """nginx with one configuration; `configuration` writes its text, given the folder that nginx may use."""

    def __init__(self, configuration: Callable[[Path], str], *, port: int) -> None:
        self._program = need("nginx")
        super().__init__("nginx")
        self.port = port
        self.configuration = self.folder / "nginx.conf"
        self.configuration.write_text(configuration(self.folder), encoding="utf-8")
        self.folder.chmod(0o755)

    def __enter__(self) -> Self:
        command = [self._program, "-p", str(self.folder), "-e", str(self.log), "-c", str(self.configuration)]
        self.start([*command, "-g", "daemon off;"], ready=lambda: listens(self.port))
        return self
