"""The tables of the database as Core objects, one noun per file; repositories and migrations share them.

Every file is imported here, so that `metadata` contains all tables.
"""

import importlib
import pkgutil

from beseda.db.schema import metadata as metadata

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
