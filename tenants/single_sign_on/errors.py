"""Errors of single sign-on."""

from http import HTTPStatus

from foundation.codes import LabelledCode
from foundation.errors import DomainError, Unauthenticated
from foundation.marks import N_


class SignInProblem(LabelledCode):
    """Reasons why a sign-in by an identity provider was refused."""

    EXPIRED = "expired", N_("This sign-in took too long, or was completed already. Begin again.")
    OTHER_BROWSER = "other-browser", N_("This sign-in was begun in another browser. Begin again.")
    DECLINED = "declined", N_("The identity provider did not sign you in. Begin again, or ask your administrator.")
    CHANGED = "changed", N_("The settings of single sign-on were changed meanwhile. Begin again.")
    ISSUER = "issuer", N_("The answer came from another identity provider. Nobody was signed in.")
    EXCHANGE = "exchange", N_("The identity provider refused the code of this sign-in. Begin again.")
    TOKEN = "token", N_("The identity provider's answer is not valid. Nobody was signed in.")
    AUDIENCE = "audience", N_("The identity provider's answer is for another application. Nobody was signed in.")
    NONCE = "nonce", N_("The identity provider's answer belongs to another sign-in. Begin again.")
    TIMES = "times", N_("The identity provider's answer has expired, or one of the clocks is wrong. Begin again.")
    NOT_ASKED = "not-asked", N_("The identity provider did not ask you again who you are. Choose another proof.")
    OTHER_PERSON = "other-person", N_("The identity provider signed in another person than you. Nothing is confirmed.")
    NO_EMAIL = "no-email", N_("The identity provider did not report a verified e-mail address of yours.")
    DOMAIN = "domain", N_("Your e-mail address does not belong to a verified domain of this account.")
    NO_MEMBER = "no-member", N_("You are not a member of this account. Ask its administrator for an invitation.")
    NO_ROLE = "no-role", N_("None of your groups has a role in this account. Ask its administrator.")
    NO_SEAT = "no-seat", N_("This account's plan allows no further member. Ask its administrator.")
    OTHER_IDENTITY = (
        "other-identity",
        N_(
            "Your address belongs to a member with another identity at the provider. Ask an administrator to unlink it."
        ),
    )


class SingleSignOnRefused(Unauthenticated):
    code = "single-sign-on-refused"
    title = N_("Single sign-on failed")

    def __init__(self, problem: SignInProblem) -> None:
        super().__init__(problem.label, problem=str(problem))
        self.problem = problem


class ProviderProblem(LabelledCode):
    """Reasons why an identity provider cannot be used."""

    NO_METADATA = "no-metadata", N_("The issuer does not answer with the metadata of an OpenID provider.")
    OTHER_ISSUER = "other-issuer", N_("The metadata name another issuer. Copy the issuer exactly as the provider does.")
    INCOMPLETE = "incomplete", N_("The metadata lack an address that is needed.")
    NO_PKCE = "no-pkce", N_("The provider does not support PKCE with S256.")
    NO_KEYS = "no-keys", N_("The provider publishes no key for an accepted algorithm.")


class ProviderUnusable(DomainError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "identity-provider-unusable"
    title = N_("The identity provider cannot be used")

    def __init__(self, problem: ProviderProblem) -> None:
        super().__init__(problem.label, problem=str(problem))
        self.problem = problem
