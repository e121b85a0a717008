"""The diagnosis on a staff page: what is wrong, since when, how we know, and who does what next, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from portal.admin import wording
from portal.admin.columns import ago
from portal.admin.wording import Wording
from vehicles import access, pairing
from vehicles.diagnosis import Action, Cause, Consent, Diagnosis, MissingReason
from vehicles.facts import missing_permissions, working_permissions
from vehicles.models import Integration, VehicleGrant
from vehicles.permissions import PERMISSIONS


@dataclass(frozen=True, slots=True)
class Panel:
    """What the template shows for one grant."""

    title: str
    url: str
    verdict: Wording
    summary: str
    causes: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    error: str
    working: list[str]
    missing: list[dict[str, str]]
    axes: list[tuple[str, Wording]]
    fix_url: str


def panel(grant: VehicleGrant, *, personal_data: bool) -> Panel:
    """The panel of one grant, whose rows come from `facts.with_rows`. Without `personal_data` no link holds a VIN."""
    diagnosis = access.diagnosis_of(grant)
    role = grant.own_access.access_type.lower() if grant.own_access else "account"
    return Panel(
        title=f"{grant.connection.application} for this {role}",
        url=reverse("admin:vehicles_vehiclegrant_change", args=[grant.pk]),
        verdict=wording.word(wording.VERDICTS, diagnosis.verdict),
        summary=_summary(grant, diagnosis),
        causes=[_cause(cause) for cause in diagnosis.causes],
        actions=[_action(action, grant, personal_data) for action in diagnosis.actions],
        error=diagnosis.error.name if diagnosis.error else "",
        working=[_permission(name) for name in working_permissions(grant) if name not in _gaps(grant)],
        missing=_missing(grant),
        axes=_axes(grant, diagnosis),
        fix_url="" if grant.revoked_at else reverse("admin:connect_fixlink_make", args=[grant.pk]),
    )


def _summary(grant: VehicleGrant, diagnosis: Diagnosis) -> str:
    if grant.revoked_at is not None:
        return "This grant has ended. It is kept as history and reaches nothing."
    return wording.word(wording.VERDICTS, diagnosis.verdict).sentence


def _cause(cause: Cause) -> dict[str, Any]:
    words = wording.word(wording.CAUSES, cause.code)
    observed = cause.observed
    return {
        "code": cause.code,
        "name": words.name,
        "sentence": words.sentence,
        "since": ago(observed.since),
        "observed": ago(observed.observed_at),
        "source": wording.source(observed.source) if observed.source else "",
    }


def _action(action: Action, grant: VehicleGrant, personal_data: bool) -> dict[str, Any]:
    # The pairing link may name the car by its VIN.
    masked = action.link == "pairing" and not personal_data
    return {
        "actor": wording.word(wording.ACTORS, action.actor).name,
        "text": action.text,
        "url": pairing.bare_link(grant.mode) if masked else access.url_for(action.link, grant),
        "needs_phone_key": action.needs_phone_key,
    }


def _permission(name: str) -> str:
    return PERMISSIONS[name].sentence if name in PERMISSIONS else name


def _missing(grant: VehicleGrant) -> list[dict[str, str]]:
    return [
        {"name": name, "sentence": _permission(name), "reason": reason}
        for name, reason in _gaps(grant).items()
    ]


def _gaps(grant: VehicleGrant) -> dict[str, str]:
    """Each permission that does not work, with the reason in words. Removed access takes all of them away."""
    reasons = {name: wording.MISSING_REASONS[why] for name, why in missing_permissions(grant).items()}
    removed = dict.fromkeys(grant.approved, "access was removed at Tesla") if _is_removed(grant) else {}
    return dict(sorted((removed | reasons).items()))


def _is_removed(grant: VehicleGrant) -> bool:
    return grant.integration == Integration.FLEET and grant.account.consent == Consent.REVOKED


def to_restore(grant: VehicleGrant) -> list[str]:
    """The permissions that somebody has to restore: those that Tesla does not give, not those a person declined."""
    declined = wording.MISSING_REASONS[MissingReason.DECLINED_IN_CONNECT]
    return [name for name, reason in _gaps(grant).items() if reason != declined]


def _axes(grant: VehicleGrant, diagnosis: Diagnosis) -> list[tuple[str, Wording]]:
    gaps = to_restore(grant)
    missing = (
        Wording(f"{len(gaps)} missing", wording.DANGER) if gaps else Wording("Complete", wording.SUCCESS)
    )
    return [
        ("Consent at Tesla", wording.word(wording.CONSENTS, diagnosis.axes["consent"]["value"])),
        ("Permissions", missing),
        ("Virtual key", wording.word(wording.KEYS, diagnosis.axes["key"]["value"])),
        ("Interface", wording.word(wording.PROVIDERS, diagnosis.axes["provider"]["value"])),
    ]
