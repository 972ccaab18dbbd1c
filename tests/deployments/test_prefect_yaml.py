"""prefect.yaml: every deployment is a flow that exists, takes its parameters, and has a form that people can fill."""

from __future__ import annotations

import importlib
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.schedules import IntervalSchedule

ROOT = Path(__file__).parents[2]
PREFECT = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS: dict[str, dict[str, Any]] = {one["name"]: one for one in PREFECT["deployments"]}
BY_HAND = {"backfill-orders", "orders-to-app"}
DAILY = {"reconcile"}

SCHEDULED = {name: one for name, one in DEPLOYMENTS.items() if name not in BY_HAND}

every_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=DEPLOYMENTS)


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    """The flow that the entrypoint names, imported."""
    path, name = deployment["entrypoint"].split(":")
    assert (ROOT / path).is_file(), f"there is no {path}"
    found = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(found, Flow), f"{deployment['entrypoint']} is no flow"
    return found


def test_every_flow_has_a_deployment_and_only_one() -> None:
    assert len(DEPLOYMENTS) == len(PREFECT["deployments"])
    entrypoints = [one["entrypoint"] for one in DEPLOYMENTS.values()]
    assert len(set(entrypoints)) == len(entrypoints)
    files = {f"flows/{path.name}" for path in (ROOT / "flows").glob("*.py")} - {"flows/__init__.py", "flows/story.py"}
    assert {entry.split(":")[0] for entry in entrypoints} == files


@every_deployment
def test_a_deployment_is_named_like_its_flow(deployment: dict[str, Any]) -> None:
    assert flow_of(deployment).name == deployment["name"]


@every_deployment
def test_a_flow_says_what_it_does_and_which_run_is_which(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    assert flow.description
    assert flow.description.strip().endswith(".")
    assert flow.flow_run_name


@every_deployment
def test_its_parameters_are_some_that_the_flow_takes(deployment: dict[str, Any]) -> None:
    schema = flow_of(deployment).parameters.model_dump()
    for name, value in deployment.get("parameters", {}).items():
        assert name in schema["properties"], f"{name} is no parameter of {deployment['entrypoint']}"
        rules = {**schema["properties"][name], "definitions": schema["definitions"]}
        jsonschema.validate(value, rules)


@pytest.mark.parametrize("deployment", SCHEDULED.values(), ids=SCHEDULED)
def test_a_scheduled_run_needs_nothing_more(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    given = deployment.get("parameters", {})
    missing = set(flow.parameters.required) - set(given)
    assert missing == set()
    assert flow.validate_parameters(given) == given


@every_deployment
def test_the_form_explains_every_parameter(deployment: dict[str, Any]) -> None:
    for name, about in flow_of(deployment).parameters.properties.items():
        # Prefect puts the parameter's name in place of Field(title=...); json_schema_extra={"title": ...} stays
        assert about["title"] != name, f"{name} has no title of its own"
        assert about.get("description"), f"{name} has no description"
        if about["type"] == "integer":
            # Prefect drops ge and le of a Field that is the default; they stay in Annotated[int, Field(ge=...)]
            assert {"minimum", "maximum"} <= set(about), f"{name} may be any number"


@every_deployment
def test_a_deployment_is_described_tagged_and_placed(deployment: dict[str, Any]) -> None:
    assert deployment["description"].strip().endswith(".")
    assert deployment["tags"][0] == "backroom"
    assert len(deployment["tags"]) >= 2
    assert deployment["work_pool"] == {"name": "backroom"}


@every_deployment
def test_two_runs_of_one_deployment_do_not_overlap(deployment: dict[str, Any]) -> None:
    limit = deployment["concurrency_limit"]
    assert limit["limit"] == 1
    # a backfill or a repair that was asked for waits; a schedule that comes round again soon does not
    waits = deployment["name"] in BY_HAND | DAILY
    assert limit["collision_strategy"] == ("ENQUEUE" if waits else "CANCEL_NEW")
    # and the place of one that a worker took and died before it began is free again after a minute, not after five
    assert limit["grace_period_seconds"] == 60


@every_deployment
def test_all_run_on_a_schedule_but_what_is_started_by_hand(deployment: dict[str, Any]) -> None:
    schedules = deployment.get("schedules", [])
    if deployment["name"] in BY_HAND:
        assert schedules == []
        return
    assert len(schedules) == 1
    schedule = IntervalSchedule(interval=timedelta(seconds=schedules[0]["interval"]))
    if deployment["name"] in DAILY:
        assert schedule.interval == timedelta(days=1)
        at = IntervalSchedule(interval=schedule.interval, anchor_date=schedules[0]["anchor_date"]).anchor_date
        assert at.hour == 4  # when little else happens
    else:
        assert timedelta(minutes=1) <= schedule.interval <= timedelta(hours=1)


def test_the_routes_of_the_example_are_those_that_run() -> None:
    stack = tomllib.loads((ROOT / "stack.example.toml").read_text(encoding="utf-8"))
    routes = {one["parameters"]["route"] for one in DEPLOYMENTS.values() if "route" in one.get("parameters", {})}
    assert routes == set(stack["routes"])
    assert DEPLOYMENTS["backfill-orders"]["parameters"]["source"] in stack["connections"]


def test_a_backfill_shows_its_plan_unless_told_otherwise() -> None:
    assert DEPLOYMENTS["backfill-orders"]["parameters"]["dry_run"] is True


@pytest.mark.parametrize("wrong", [{"since": "last week"}, {"destinations": "books"}, {"dry_run": "perhaps"}])
def test_the_form_of_a_backfill_refuses_nonsense(wrong: dict[str, Any]) -> None:
    schema = flow_of(DEPLOYMENTS["backfill-orders"]).parameters.model_dump()
    good = {"since": "2026-01-01", "until": "2026-01-31", "source": "shop", "destinations": ["books"], "dry_run": True}
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    assert checker.is_valid(good)
    assert not checker.is_valid({**good, **wrong})


def test_it_is_written_for_the_prefect_that_is_pinned() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert f"prefect=={PREFECT['prefect-version']} " in lock
