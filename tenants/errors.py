"""Errors of the tenants room."""

from datetime import timedelta
from http import HTTPStatus

from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput, TooManyRequests, Unauthenticated
from foundation.marks import N_


class SlugTaken(Conflict):
    code = "slug-taken"
    title = N_("This short name is in use")


class EmailTaken(Conflict):
    code = "email-taken"
    title = N_("This address is already a member")


class LastAdministrator(Conflict):
    code = "last-administrator"
    title = N_("This is the last administrator")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "No other active member can manage the members of this account. Make another member an administrator "
                "first."
            )
        )


class WeakPassword(InvalidInput):
    code = "weak-password"
    title = N_("This password is too easy to guess")


class InviteNotValid(DomainError):
    status = HTTPStatus.GONE
    code = "invite-not-valid"
    title = N_("This link is no longer valid")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "It has been used, replaced or withdrawn, or has expired. Sign in if you have a password;"
                " otherwise ask for a new link."
            )
        )


class SignInFailed(Unauthenticated):
    """One message for every cause, so as not to reveal who has an account."""

    code = "sign-in-failed"
    title = N_("Sign-in failed")

    def __init__(self) -> None:
        super().__init__(N_("The e-mail address or the password is incorrect. Check both and try again."))


class SignInThrottled(TooManyRequests):
    code = "sign-in-throttled"
    title = N_("Too many attempts")

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, round(wait.total_seconds()))
        if seconds < 120:
            detail = N_("There were too many failed attempts. Wait {number} seconds, then try again.")
        else:
            detail = N_("There were too many failed attempts. Wait {number} minutes, then try again.")
        number = seconds if seconds < 120 else -(-seconds // 60)
        super().__init__(detail, params={"number": number}, retry_after=seconds)


class ApiKeyRefused(Unauthenticated):
    code = "api-key-refused"
    title = N_("The API key is not accepted")

    def __init__(self) -> None:
        super().__init__(
            N_("This API key or token is unknown here, has expired or was revoked. Use an active key of this account.")
        )


class KeyCreatorInactive(Forbidden):
    code = "key-creator-inactive"
    title = N_("The API key is not active")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "The member who created this API key is suspended or has left this account, so the key is "
                "refused. Ask an administrator of this account for a new one."
            )
        )


class Suspended(Forbidden):
    code = "suspended"
    title = N_("This access is suspended")

    def __init__(self) -> None:
        super().__init__(N_("This access is suspended; nothing was deleted. Ask your administrator to resume it."))


class CrossSiteRequest(Forbidden):
    code = "cross-site-request"
    title = N_("The form is out of date")

    def __init__(self) -> None:
        super().__init__(N_("This form was not opened on this page, or is too old. Reload the page and send it again."))
