"""The portal without the gateway's comparison of uuid and pool, to be served."""

from vmportal import asgi  # isort: skip (it loads the apps that the others need)

from tests.vms.slots.unguarded import unguarded
from vms.cluster.guard import Guard

Guard.verified = unguarded  # type: ignore[method-assign]
application = asgi.application
