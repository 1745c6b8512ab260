"""Static files with hashed names, including the imports between ES modules (noVNC)."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModuleStorage(CompressedManifestStaticFilesStorage):
    """Rewrites `import … from "./x.js"` too, so that modules can be cached for ever."""

    support_js_module_import_aggregation = True
