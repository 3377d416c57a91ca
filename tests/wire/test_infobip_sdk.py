"""Infobip's own SDK for Node (@infobip-api/sdk of the npm registry): its base URL, its log-ins and its
four kinds of credentials. It has no calls about persons or events; the HTTP client that its calls go
through is used for those. tools/setup puts it under build/clients when the registry can be reached.
"""

import json

import pytest

import occurd
from occurd import key
from test_clients import CLIENTS, base, program, run

MODULES = occurd.ROOT / "build/clients"
SPACE = occurd.workspace(
    "sdk", keys=[key("be_your_api_key", ["contacts.read"], "backend")],
    oauth_clients=[{"id": "shop", "secret": "s3cret", "scopes": ["contacts.read"]}])


@pytest.fixture
def modules():
    if not (MODULES / "node_modules/@infobip-api/sdk/package.json").exists():
        pytest.skip("@infobip-api/sdk is not in build/clients: it was NOT tested")
    return MODULES


def test_sdk(tmp_path, modules):
    with occurd.start(tmp_path, [SPACE]) as server:
        steps = json.loads(run(program("node"), str(CLIENTS / "infobip_sdk.cjs"), base(server),
                               str(modules)))
    persons = {"status": 200, "data": {"persons": []}}
    assert steps == {
        "session": 200, "token": [200, "Bearer"],
        "app": persons, "basic": persons, "ibsso": persons, "bearer": persons,
        "stranger": {"status": 401, "data": {"requestError": {"serviceException": {
            "messageId": "UNAUTHORIZED", "text": "Unauthorized"}}}},
        "noSession": 401, "ended": 200, "afterwards": 401}
