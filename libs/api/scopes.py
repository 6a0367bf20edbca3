"""What a token may do. A role is a named set of scopes."""

from enum import StrEnum


class Scope(StrEnum):
    PREDICTIONS_READ = "predictions:read"
    PREDICTIONS_WRITE = "predictions:write"
    PREDICTIONS_DELETE = "predictions:delete"
    REVIEWS_WRITE = "reviews:write"
    REVIEWS_SUBMIT = "reviews:submit"
    DATA_READ = "data:read"
    DATA_WRITE = "data:write"
    DATASETS_READ = "datasets:read"
    DATASETS_WRITE = "datasets:write"
    EXPERIMENTS_READ = "experiments:read"
    EXPERIMENTS_WRITE = "experiments:write"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    DEPLOYMENTS_READ = "deployments:read"
    DEPLOYMENTS_WRITE = "deployments:write"
    ROLLOUTS_WRITE = "rollouts:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    OPERATE = "operate"


class Role(StrEnum):
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ENGINEER = "engineer"
    ADMIN = "admin"


_VIEWER = frozenset(
    {
        Scope.PREDICTIONS_READ,
        Scope.DATA_READ,
        Scope.DATASETS_READ,
        Scope.EXPERIMENTS_READ,
        Scope.MODELS_READ,
        Scope.DEPLOYMENTS_READ,
    }
)
_REVIEWER = _VIEWER | {Scope.REVIEWS_WRITE}
_ENGINEER = _REVIEWER | {
    Scope.PREDICTIONS_WRITE,
    Scope.PREDICTIONS_DELETE,
    Scope.REVIEWS_SUBMIT,
    Scope.DATA_WRITE,
    Scope.DATASETS_WRITE,
    Scope.EXPERIMENTS_WRITE,
    Scope.MODELS_WRITE,
    Scope.DEPLOYMENTS_WRITE,
    Scope.ROLLOUTS_WRITE,
}
ROLES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.REVIEWER: _REVIEWER,
    Role.ENGINEER: _ENGINEER,
    Role.ADMIN: _ENGINEER
    | {Scope.USERS_READ, Scope.USERS_WRITE, Scope.TOKENS_READ, Scope.TOKENS_WRITE},
}


def roles_with(scope: Scope) -> list[Role]:
    """The roles that have a scope, for the message to somebody who has not."""
    return [role for role, scopes in ROLES.items() if scope in scopes]


def write_scopes(scopes: frozenset[Scope]) -> str:
    """Scopes as a token carries them: the widest role that fits by its name, then the rest."""
    role = next((r for r in reversed(Role) if ROLES[r] <= scopes), None)
    rest = sorted(scopes - (ROLES[role] if role else frozenset()))
    return " ".join([*([role] if role else []), *rest])


def read_scopes(text: str) -> frozenset[Scope]:
    """The other way round. Raises ValueError for a scope or role that is none."""
    scopes: set[Scope] = set()
    for word in text.split():
        scopes |= ROLES[Role(word)] if ":" not in word and word != Scope.OPERATE else {Scope(word)}
    return frozenset(scopes)
