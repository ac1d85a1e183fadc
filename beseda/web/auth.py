"""Authorization: a key in `Authorization: Bearer …`, and the scope that a route requires.

`ApiKeyMiddleware` recognises the key before anything else of a request is read. A route only names its scope.
"""

from dataclasses import dataclass

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Scope as AsgiScope

from beseda.web.api_key import ApiKey, Scope

SCHEME = "key"
SECURITY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "bsd_<number>_<secret>",
    "description": "A key made by `beseda keys create`. Scopes: `read`, `write` (with `read`), `admin` (with both).",
}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="beseda"'}
_PLACE = "beseda.key"


@dataclass(frozen=True)
class RequiredScope:
    """A dependency that returns the request's key. Raises HTTPException 401 without a key, 403 if its scope is too
    narrow.
    """

    scope: Scope

    async def __call__(self, request: Request) -> ApiKey:
        key = find_key(request.scope)
        if key is None:
            raise HTTPException(401, headers=CHALLENGE)
        if not key.scope.allows(self.scope):
            challenge = f'Bearer realm="beseda", error="insufficient_scope", scope="{self.scope.value}"'
            raise HTTPException(403, f"This needs a key of scope {self.scope.value}.", {"WWW-Authenticate": challenge})
        return key


# The scope of a route: `dependencies=[READ]`, or `Annotated[ApiKey, WRITE]` where the key is used.
READ, WRITE, ADMIN = (
    Depends(RequiredScope(Scope.READ)),
    Depends(RequiredScope(Scope.WRITE)),
    Depends(RequiredScope(Scope.ADMIN)),
)


def put_key(scope: AsgiScope, key: ApiKey) -> None:
    """Attach the key to the request."""
    scope[_PLACE] = key


def find_key(scope: AsgiScope) -> ApiKey | None:
    """Return the key of a request that `ApiKeyMiddleware` has accepted, or None."""
    key = scope.get(_PLACE)
    return key if isinstance(key, ApiKey) else None


def read_bearer(scope: AsgiScope) -> str:
    """Return the token after `Bearer` in a request, or an empty string if there is none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, rest = value.decode("latin-1").partition(" ")
            return rest.strip() if scheme.lower() == "bearer" else ""
    return ""
