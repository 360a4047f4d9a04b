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
GROUP_PRICE_KEPT: Final = MessageType(
    "policy.kept_group_price", N_("A price for a group of customers is agreed with them, so a person decides on it.")
)
BELOW_COST_KEPT: Final = MessageType("policy.kept_below_cost", N_("A person decides on a price below cost."))
LARGE_ORDER_KEPT: Final = MessageType(
    "policy.kept_large_order", N_("A person decides on a large order, from 10,000 in most currencies.")
)
PARTNER_KEPT: Final = MessageType("policy.kept_partner", N_("A person decides on what a partner may sell."))
COMMITMENT_KEPT: Final = MessageType(
    "policy.kept_commitment", N_("A person decides on terms that customers are promised.")
)
CUSTOMER_KEPT: Final = MessageType("policy.kept_customer", N_("A person decides on a customer's credit and status."))
REGULATED_KEPT: Final = MessageType(
    "policy.kept_regulated", N_("A person decides on values that the client classified as regulated or as a claim.")
)
WORKFLOW_KEPT: Final = MessageType(
    "policy.kept_workflow", N_("The contract of this element requires approval of every change.")
)
NO_RULE: Final = _NO_RULE.fill()
SUPERSEDED: Final = MessageType("approval.superseded", N_("It was replaced by other content."))
