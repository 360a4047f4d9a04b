"""Rights of the application's role on each table: `test_grants` compares them with the catalogue.

A new table needs a line with the rights that its jobs and pages use: DELETE only if one deletes, UPDATE only of the
columns that one changes. Columns that identify a row, or record what was decided, sent or measured, are never among
them.
"""

from typing import Final

UPDATED_COLUMNS: Final[dict[str, str]] = {
    "access_grant": "decided_at decided_by_name ended_at ended_by_name ends_at state used_at",
    "api_key": "current_hash expires_at last_used_at previous_hash previous_until revoked_at",
    "approval": "cause decided_at decided_by due_at expires_at overdue reason state subject_id used_at votes",
    "audit_head": "hash seq",
    "baseline": "accepted after automatic awaiting decided_at decided_by decided_by_id finished_at overtaken proven"
                " read_at refused state",
    "baseline_item": "connection_id source_event_id source_version unreadable value",
    "baseline_part": "auto below_cost channel_only cursor differs equal error listed progress refuse review source_only"
                     " state unkeyed",
    "baseline_reading": "change_id",
    "billing_details": "city country email name payer_id po_number postcode street updated_at vat_id",
    "brand": "name tokens updated_at",
    "brand_domain": "brand_id",
    "brand_domain_claim": "brand_id checked_at result",
    "brand_image": "changed_at content contrast_dark contrast_light hash height width",
    "change": "approval_id cost_value decided_at decision_excluded old_value outcome policy_version reason rule_id"
              " state version",
    "change_hours": "counted_until counts",
    "channel_value": "change_id partner_id seen_at value version",
    "client": "language name region requests_per_account requests_per_caller revision staff_access status suspended_at"
              " time_zone",
    "client_coupon": "end_reason ended_at ended_by",
    "client_import": "ended_at state",
    "client_import_row": "error state",
    "client_template": "changed_at name version",
    "client_template_use": "applied_at applied_by billing_due_at billing_problem items own_items template_id"
                           " template_name version",
    "connection": "base_url credentials_expire_on deleted_at environment jurisdiction last_error"
                  " last_failure_at last_message_at last_success_at missing_since name paused_at revision"
                  " settings state",
    "connection_secret": "ciphertext set_at set_by",
    "credit_grant": "left_minor noticed_at",
    "credit_rule": "low_minor noticed_at set_at set_by top_up_minor",
    "coupon": "retired_at retired_by",
    "custom_element": "retired_at retired_by",
    "dashboard_layout": "changed_at changed_by tiles",
    "dead_letter": "closed_at closed_by state",
    "drift_cursor": "dimension element record_key record_type",
    "element_contract": "approval_ttl_s clocks_from correction_slo_ms decision_slo_ms owner propagation_slo_ms"
                        " published_at sensitivity source_connection_id version workflow",
    "entitlement": "changed_at hard_limit is_on soft_limit",
    "entitlement_rule": "changed_at changed_by hard_limit is_on soft_limit",
    "escalation_ladder": "changed_at changed_by steps",
    "external_identity": "used_at",
    "governance_exception": "change_id closed_at closed_by correction_due_at escalated_at message occurrences"
                            " params seen_at severity severity_factors source_event_id state",
    "held_observation": "held_at source_event_id source_version",
    "idempotency_key": "sealed_response",
    "identity_provider": "checks_factors client_id client_secret creates_members default_role group_roles groups_claim"
                         " issuer mode name set_at set_by tested_at",
    "invoice": "content_hash credited_minor dunning_level paid_minor state total_minor updated_at",
    "invoice_line": "amount_minor events first_at included last_at quantity",
    "job": "attempts delayed error is_retry ready_at",
    "lane": "crash_count failure_count fence holder lease_until paused_until",
    "list_view": "columns filters is_shared name saved_at saved_by sort",
    "list_view_default": "view_id",
    "lane_share": "cap pool resting weight",
    "legal_entity": "bic city country credit_note_format dunning_days email grace_days iban language name number_format"
                    " payment_days postcode street tax_number updated_at vat_id",
    "legal_hold": "release_reason released_at released_by",
    "mail": "content error sent_at state",
    "mail_server": "from_address host password port tls updated_at username",
    "member": "accepted_at confirmed_at confirmed_by invite_hash invite_until invited_at invited_by inviter_id"
              " language last_seen_at password_hash shortcuts signed_out_after status time_zone vouched_by",
    "meter_definition": "retired_at retired_by",
    "member_totp": "confirmed_at created_at last_step secret",
    "msp": "language requests_per_account requests_per_caller time_zone",
    "passkey": "last_used_at sign_count",
    "password_reset": "created_at expires_at token_hash",
    "policy_draft": "changed_at editor_names editors ended_at ended_by ended_by_name failure publish_at restores"
                    " revision scheduled_by scheduled_by_name state version",
    "policy_draft_edit": "rule",
    "policy_replay": "after_id counts differing ended_at money replayed state",
    "policy_role": "about changed_at changed_by_name name permissions",
    "notification": "counts_from happened_at href number params read_at",
    "notification_delivery": "done_at",
    "notification_setting": "delivery least_severity muted",
    "number_series": "last",
    "oauth_token": "revoked_at",
    "onboarding": "checked_at live_at live_by live_by_id",
    "onboarding_project": "gates_passed sponsors",
    "onboarding_task": "changed_at changed_by due_on owner reason state waived_at waived_by waiver",
    "onboarding_waiver": "reason waived_at waived_by waived_by_id",
    "payment_account": "can_charge checked_at connected external_id id key_hint mode provider refused_hooks"
                       " requirements restriction secret_key set_at set_by signing_secret swept_at",
    "payment_event": "finished_at state",
    "payment_profile": "account_id agreed_at agreed_by awaits charges_automatically customer_id methods problem"
                       " read_at session_id",
    "payment_request": "answer attempts external_id finished_at state",
    "plan": "retired_at retired_by",
    "playbook": "changed_at changed_by revision tasks",
    "poll_cursor": "cursor polled_at progress",
    "price": "valid_to",
    "price_book": "name",
    "propagation": "accepted_at attempts breached error excluded excluded_until previous_value read_value sent_at"
                   " slo_due_at state verified_at",
    "propagation_attempt": "answered_at bytes detail duration_ms outcome read retry_after status_code",
    "provider_invoice": "answer attempts charge_attempts charge_failure charged_at credited_minor disputed_minor"
                        " disputes external_id failure next_charge_at paid_minor paid_outside_minor payment_url problem"
                        " read_at refunded_minor status total_minor",
    "rated_usage": "line_id",
    "rating_run": "next_at rated_at",
    "record_title": "search title",
    "record_value": "change_id source_committed_at source_connection_id source_event_id source_value source_version"
                    " value version",
    "retention_policy": "changed_at changed_by keep_days",
    "source_record": "record_key source_event_id version",
    "sla_credit": "decided_at decided_by reason state",
    "sla_terms": "bands from_month most_pct set_at set_by",
    "scim_token": "created_at created_by last_used_at owner_home owner_id previous_hash previous_owner_home"
                  " previous_owner_id previous_until secret_hash",
    "scim_user": "attributes external_id removed suspended_at",
    "sign_in_domain": "checked_at result token verified_at",
    "subscription_step": "undone_at undone_by undone_for",
    "timer": "due_at kind lane",
    "unclaimed_message": "message_count reference",
    "webhook_delivery": "attempts finished_at next_at state",
    "webhook_endpoint": "deleted_at description event_types failing_since last_failure_at last_success_at"
                        " paused_at paused_by paused_for revision state url",
    "webhook_secret": "ciphertext expires_at",
    "usage_limit": "changed_at changed_by hard_limit included is_on override_limit override_reason override_until"
                   " soft_limit",
    "usage_reservation": "amount_minor ended_at settled state",
    "vendor_bill": "withdrawn_at withdrawn_by",
    "vendor_mapping": "client_id factor is_ignored meter set_at set_by",
    "vendor_upload": "stored_at stored_by wrong",
    "value_hold": "ended_at ended_by ended_for",
    "vault_key": "kek_id state wrapped",
}  # fmt: skip
READ_ONLY: Final = {"alembic_version", "audit_anchor"}
INSERTED: Final = {*UPDATED_COLUMNS} | {
    "api_call_hour", "audit_entry", "billing_difference", "client_template_version", "credit_note",
    "credit_transaction",
    "escalation", "escalation_pause",
    "invoice_document", "invoice_payment",
    "invoice_step", "issued_invoice", "limit_notice",
    "mail_attachment", "onboarding_evidence", "partner", "plan_version", "policy_replay_difference",
    "policy_rule", "policy_version",
    "recovery_code",
    "reported_usage",
    "retention_default", "retention_purge", "second_factor_rule", "source_event", "source_event_key", "subscription",
    "tax_rate",
    "usage_event",
    "vendor_bill_line",
    "webhook_attempt",
}  # fmt: skip
DELETED: Final = {
    "baseline_item", "baseline_reading", "brand_domain", "brand_domain_claim", "brand_image",
    "connection_secret", "credit_rule", "dashboard_layout",
    "element_contract", "entitlement", "entitlement_rule", "escalation_ladder",
    "external_identity", "held_observation", "idempotency_key",
    "identity_provider",
    "invoice_line", "job", "list_view", "list_view_default", "mail_attachment", "mail_server", "member_totp",
    "notification_delivery",
    "oauth_token", "onboarding_waiver",
    "passkey", "password_reset", "policy_draft_edit", "policy_replay", "policy_replay_difference", "policy_role",
    "policy_rule", "propagation_attempt", "provider_invoice", "recovery_code", "retention_default",
    "retention_policy", "scim_token", "second_factor_rule", "sign_in_domain",
    "source_record", "unclaimed_message", "vault_key", "vendor_mapping", "webhook_secret",
}  # fmt: skip
APP_RIGHTS: Final[dict[str, set[str]]] = {
    table: {"SELECT"}
    | ({"INSERT"} if table in INSERTED else set())
    | ({"DELETE"} if table in DELETED else set())
    | ({f"UPDATE ({UPDATED_COLUMNS[table]})"} if table in UPDATED_COLUMNS else set())
    for table in READ_ONLY | INSERTED
}
