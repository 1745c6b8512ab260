"""Canaille, a house's sign-in page, in one process: `build/canaille/bin/python canaille_server.py SETTINGS.json`.

Runs in Canaille's own virtual environment and imports nothing of ours. Puts its branch into the directory, enters the
portal as its only client, and listens on the loopback until SIGTERM. Its own command line would do the same in five
starts of three seconds each, and would leave the client without an audience.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from canaille import create_app
from canaille.app import models
from canaille.app.installation import install
from canaille.backends import Backend
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.middleware import AsyncioWSGIMiddleware
from joserfc.jwk import RSAKey


def main() -> None:
    """The settings are those that scripts/house_sign_in.py writes."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings["canaille"]["CANAILLE_OIDC"]["ACTIVE_JWKS"] = [signing_key(Path(settings["key_file"]))]
    app = create_app(config=settings["canaille"])
    with app.app_context():
        install(app)
        with Backend.instance.session():
            enter(settings["client"])
    config = Config()
    config.bind = [f"127.0.0.1:{settings['port']}"]
    config.graceful_timeout = config.shutdown_timeout = 1.0
    asyncio.run(serve(AsyncioWSGIMiddleware(app), config))


def signing_key(file: Path) -> dict[str, Any]:
    """The only key, made at first need. With two active ones Canaille names one and signs with the other."""
    if not file.exists():
        file.touch(mode=0o600)
        key = RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)
        file.write_text(json.dumps(key), encoding="ascii")
    return dict(json.loads(file.read_text(encoding="ascii")))


def enter(known: dict[str, Any]) -> None:
    """The portal as a client, as its settings are now."""
    client = Backend.instance.get(models.Client, client_id=known["client_id"]) or models.Client(
        client_id=known["client_id"], client_id_issued_at=datetime.now(UTC)
    )
    Backend.instance.update(client, **known)
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)


if __name__ == "__main__":
    main()
