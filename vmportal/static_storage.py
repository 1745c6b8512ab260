"""Static files with hashed names, including the imports between ES modules (noVNC)."""

from collections.abc import Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

#: htmx's extensions: some import names that only a bundler resolves, and no page loads one.
NOT_SERVED = "django_htmx/ext/"


class HashedModuleStorage(CompressedManifestStaticFilesStorage):
    """Rewrites `import … from "./x.js"` too, so that modules can be cached for ever."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], *args: Any, **options: Any) -> Iterator[Any]:
        """Hashes what pages load."""
        served = {name: where for name, where in paths.items() if not name.startswith(NOT_SERVED)}
        yield from super().post_process(served, *args, **options)
