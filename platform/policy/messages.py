"""Messages of decisions. Descriptions of rules are texts written by the account."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

_NO_RULE: Final = MessageType("policy.no_rule", N_("No rule allows this without approval."))
NOT_KNOWN: Final = MessageType("policy.not_known", N_("{text} (not known: {facts})"))
NOTHING_EARLIER: Final = MessageType("policy.nothing_earlier", N_("There is no earlier value to compare with."))
OTHER_CURRENCY: Final = MessageType("policy.other_currency", N_("The earlier value is in another currency."))
EARLIER_ZERO: Final = MessageType("policy.earlier_zero", N_("The earlier value is zero."))
MONTH_NOT_COMPARABLE: Final = MessageType(
    "policy.month_not_comparable", N_("The value at the start of the month was zero, or in another currency.")
)
RULE_APPLIES: Final = MessageType("policy.rule_applies", N_("{element}: {conditions}."))
NO_RULE: Final = _NO_RULE.fill()
SUPERSEDED: Final = MessageType("approval.superseded", N_("It was replaced by other content."))
