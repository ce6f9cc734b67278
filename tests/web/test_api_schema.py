"""The OpenAPI document tells the truth: whatever is sent, what comes back stands in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import schemathesis
from hostile_world import OPEN_DOORS
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, positive_data_acceptance
from web_world import Site

WITHOUT_INPUT = [("GET", "/api/v1/topics"), ("GET", "/api/v1/form")]
LOOKS = [("GET", "/api/v1/archive"), ("GET", "/api/v1/archive/{day}")]
POSTS = [("POST", f"/api/v1/{name}") for name in ("preview", "reading-list", "subscriptions")]
BODY_OF = {
    "preview": "PreviewBody",
    "reading-list": "ReadingListBody",
    "subscriptions": "SubscriptionBody",
}
bounded = settings(
    max_examples=25,
    derandomize=True,  # the same cases on every machine; real searches are run by hand
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """An installation that lets everybody in, so that 429 hides nothing."""
    made = Site(tmp_path_factory.mktemp("schema"), OPEN_DOORS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def document(site):
    load_all_checks()
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", site.client.app)


class Asking:
    """Sends what schemathesis thinks of, and counts the answers; an hour passes before each."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.statuses: Counter[int] = Counter()

    def send(self, case: Case, **judged: object) -> None:
        stamp = self._site.site.doorman.stamp()
        self._site.later(minutes=61)  # a new hour for those who come without a proof of work
        if isinstance(case.body, dict) and isinstance(case.body.get("stamp"), str):
            case.body["stamp"] = stamp if len(case.body["stamp"]) <= 200 else case.body["stamp"]
        answer = case.call_and_validate(**judged)
        self.statuses[answer.status_code] += 1


@pytest.mark.parametrize(("method", "path"), WITHOUT_INPUT + LOOKS)
def test_every_question_that_fits_the_document_is_answered_as_announced(
    site, document, method, path
):
    asking = Asking(site)

    @bounded
    @given(case=document[path][method].as_strategy())
    def holds(case):
        asking.send(case)

    holds()
    assert set(asking.statuses) <= {200, 404}


@pytest.mark.parametrize(("method", "path"), POSTS)
def test_every_body_that_fits_the_document_is_answered_as_announced(site, document, method, path):
    asking = Asking(site)

    @bounded
    @given(case=document[path][method].as_strategy())
    def holds(case):
        # No schema says what a time zone, an address or a reading list is.
        asking.send(case, excluded_checks=[positive_data_acceptance])

    holds()
    assert set(asking.statuses) <= {200, 202, 422}


@pytest.mark.parametrize(("method", "path"), LOOKS + POSTS)
def test_everything_that_does_not_fit_the_document_is_refused_as_announced(
    site, document, method, path
):
    asking = Asking(site)

    @bounded
    @given(case=document[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def holds(case):
        asking.send(case)

    holds()
    assert asking.statuses[422]
    assert 202 not in asking.statuses


@pytest.mark.parametrize("name", list(BODY_OF))
def test_the_examples_of_the_document_work(site, name):
    schemas = site.client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    stamp = site.client.get("/api/v1/form").json()["stamp"]
    site.later(seconds=61)

    body = _example(schemas, schemas[BODY_OF[name]])
    if "stamp" in body:
        body["stamp"] = stamp
    answer = site.client.post(f"/api/v1/{name}", json=body)

    assert answer.status_code in (200, 202), answer.text


def _example(schemas: dict, schema: dict) -> object:
    """A value from the examples of a schema, where there are any."""
    if "$ref" in schema:
        return _example(schemas, schemas[schema["$ref"].rpartition("/")[2]])
    if schema.get("examples"):
        return schema["examples"][0]
    if schema["type"] != "object":
        return schema.get("const", schema.get("default"))
    return {name: _example(schemas, part) for name, part in schema["properties"].items()}


def test_the_document_holds_these_operations_and_no_other(document):
    known = {f"{method} {path}" for method, path in WITHOUT_INPUT + LOOKS + POSTS}

    assert {found.ok().label for found in document.get_all_operations()} == known


def test_every_refusal_has_one_shape(site):
    document = site.client.get("/api/v1/openapi.json").json()

    for path in document["paths"].values():
        for operation in path.values():
            refusals = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            for status, refusal in refusals.items():
                assert list(refusal["content"]) == ["application/problem+json"], status
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["servers"] == [{"url": "https://papers.example"}]
