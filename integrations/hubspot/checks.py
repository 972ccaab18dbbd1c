"""Looking at an account before anything is sent: token, scopes, the key's property, pipeline and stages."""

from __future__ import annotations

from collections.abc import Iterator

from commerce.errors import HubError
from commerce.ports import Finding
from integrations.hubspot.api import HubSpotApi
from integrations.hubspot.settings import HubSpotSettings

SCOPES = {
    "crm.objects.contacts.read": "finding contacts by e-mail",
    "crm.objects.contacts.write": "shoppers as contacts, and forgetting them",
    "crm.objects.deals.read": "finding deals by the order's key",
    "crm.objects.deals.write": "orders as deals",
    "crm.schemas.deals.read": "looking whether the key's property is there",
}
"""What the hub needs each scope for."""
TO_CREATE = {"crm.schemas.deals.write": "creating the key's property (or set create_property = false)"}
IN_APP = "add it under Settings > Integrations > Private apps > the app > Scopes"


def findings(api: HubSpotApi, settings: HubSpotSettings) -> Iterator[Finding]:
    """One finding for each thing looked at; nothing is written."""
    try:
        token = api.token()
    except HubError as error:
        hint = error.hint or "put a new access token in its BACKROOM_… variable"
        yield Finding(subject="credential", ok=False, message=str(error), hint=hint)
        return
    yield Finding(subject="credential", ok=True, message=f"the token of account {token.hub_id}")
    needed = SCOPES | (TO_CREATE if settings.create_property else {})
    for scope in sorted(set(needed) - set(token.scopes)):
        yield Finding(subject=f"scope {scope}", ok=False, message=f"is missing: {needed[scope]}", hint=IN_APP)
    for look in (of_the_key, of_the_stages):
        try:
            yield look(api, settings)
        except HubError as error:
            yield Finding(subject=look.__name__.replace("_", " "), ok=False, message=str(error), hint=error.hint)


def of_the_key(api: HubSpotApi, settings: HubSpotSettings) -> Finding:
    """Whether orders can be found again."""
    name, known = settings.key_property, api.deal_property(settings.key_property)
    subject = f"property {name}"
    if known is None and settings.create_property:
        return Finding(subject=subject, ok=True, message="is not there yet, the hub creates it with the first order")
    if known is None:
        hint = "create it for deals as single-line text that requires unique values, or set create_property = true"
        return Finding(subject=subject, ok=False, message="deals have no such property", hint=hint)
    if not known.unique:
        hint = "give key_property in stack.toml another name: HubSpot cannot make a property unique later"
        return Finding(subject=subject, ok=False, message="its values are not unique, orders may be doubled", hint=hint)
    return Finding(subject=subject, ok=True, message="orders are found by it")


def of_the_stages(api: HubSpotApi, settings: HubSpotSettings) -> Finding:
    """Whether pipeline and stages of stack.toml are there."""
    known = {pipeline.id: {stage.id for stage in pipeline.stages} for pipeline in api.pipelines().results}
    if settings.pipeline not in known:
        hint = f"set pipeline in stack.toml to one of {', '.join(sorted(known))}"
        return Finding(subject="pipeline", ok=False, message=f"there is no {settings.pipeline!r}", hint=hint)
    missing = sorted(set(settings.stages.model_dump().values()) - known[settings.pipeline])
    if missing:
        hint = f"set stages in stack.toml to some of {', '.join(sorted(known[settings.pipeline]))}"
        return Finding(subject="stages", ok=False, message=f"no stage {', '.join(missing)}", hint=hint)
    return Finding(subject="stages", ok=True, message=f"pipeline {settings.pipeline} has them all")
