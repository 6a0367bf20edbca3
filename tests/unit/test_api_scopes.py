"""Scopes in tokens: short, and the same when read back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.api.scopes import ROLES, Role, Scope, read_scopes, roles_with, write_scopes


@given(st.frozensets(st.sampled_from(Scope)))
def test_scopes_survive_the_token(scopes: frozenset[Scope]) -> None:
    assert read_scopes(write_scopes(scopes)) == scopes


def test_a_role_is_one_word() -> None:
    assert write_scopes(ROLES[Role.ADMIN] | {Scope.OPERATE}) == "admin operate"


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="king"):
        read_scopes("king")


def test_each_role_may_do_what_the_one_below_may() -> None:
    ordered = [ROLES[role] for role in Role]
    assert all(less < more for less, more in pairwise(ordered))
    assert roles_with(Scope.OPERATE) == []
