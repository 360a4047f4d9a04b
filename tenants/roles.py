"""Roles held at home, inherited ones included."""

from policy.index import PolicyIndex, roles_of


def held_roles(index: PolicyIndex, subject: str) -> tuple[str, ...]:
    """Roles of a subject. `subject` is a member's id, or a role for its included ones."""
    return tuple(sorted(roles_of(index, subject)))


def leading_roles(index: PolicyIndex, roles: tuple[str, ...]) -> tuple[str, ...]:
    """Roles not included in another held role: labels of a member on a page."""
    included = {lesser for role in roles for lesser in roles_of(index, role)}
    return tuple(role for role in roles if role not in included)
