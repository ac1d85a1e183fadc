"""The tables of the record, as Core objects, a noun a file; repositories and migrations share them.

Every file is loaded here, so that `metadata` knows all tables.
"""

import importlib
import pkgutil

from beseda.storage.sql.tables.schema import metadata as metadata

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
