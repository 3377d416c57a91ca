"""Tokens on the wire: fetched, used, ended, and never in the clear where they are kept."""

import base64
import json
import sqlite3
import time
import urllib.parse

import pytest

import occurd
import senders

JANE = {"identities": [{"kind": "email", "value": "jane@acme.com"}],
        "attributes": {"email": "jane@acme.com"}}
CLIENT = {"id": "shop+app", "secret": "sec/ret%1", "scopes": ["events.write", "contacts.read"]}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOTH = ["/auth/1/oauth2/token", "/oauth2/token"]
SPACE = "tokens"


def declared(**members):
    usual = {"contacts": [JANE], "definitions": [{"name": "addToCart"}],
             "limits": {"requests_per_second": -1},
             "oauth_clients": [CLIENT, {**CLIENT, "id": "other"}]}
    return occurd.workspace(SPACE, **{**usual, **members})


@pytest.fixture
def server(tmp_path):
    with occurd.start(tmp_path, [declared()]) as server:
        yield server


def form(server, target, headers=None, **fields):
    body = urllib.parse.urlencode(fields).encode()
    headers = {**FORM, **(headers or {})}
    return senders.patient(lambda: server.request("POST", target, headers, body))


def grant(server, target="/oauth2/token", **fields):
    given = {"grant_type": "client_credentials", "client_id": CLIENT["id"],
             "client_secret": CLIENT["secret"], **fields}
    return form(server, target, **{n: v for n, v in given.items() if v is not None})


def token_of(reply):
    assert reply.status == 200, reply
    return reply.json()["access_token"]


def log_in(server, name=SPACE + "-key", secret=SPACE + "-key"):
    body = json.dumps({"username": name, "password": secret}).encode()
    return server.request("POST", "/auth/1/session", {"Content-Type": "application/json"}, body)


def session(server):
    reply = senders.patient(lambda: log_in(server))
    assert reply.status == 200, reply
    assert list(reply.json()) == ["token"]
    return reply.json()["token"]


def infobip(server, authorization):
    target = "/peopleevents/2/persons/jane@acme.com/definitions/addToCart/events" \
             "?identifierType=EMAIL"
    return server.request("POST", target, {"Authorization": authorization}, b"{}")


def omnisend(server, authorization):
    body = json.dumps({"eventName": "x", "contact": {"email": "jane@acme.com"}}).encode()
    return server.request("POST", "/v4/track", {"Authorization": authorization}, body)


def events(server):
    return server.reader(SPACE + "-reader").events()


def check_oauth_no(reply, status, error):
    assert (reply.status, reply.json()["error"]) == (status, error), reply
    assert list(reply.json()) == ["error", "error_description"]
    assert reply.header("Cache-Control") == "no-store"


def test_29_credentials(server):
    """Basic, IBSSO and Bearer."""
    pair = f"{SPACE}-key:{SPACE}-key".encode()
    assert infobip(server, "Basic " + base64.b64encode(pair).decode()).status == 201
    assert infobip(server, "IBSSO " + session(server)).status == 201
    assert infobip(server, "Bearer " + token_of(grant(server, BOTH[0]))).status == 201
    assert infobip(server, "IBSSO wrong").status == 401
    assert infobip(server, "Bearer " + CLIENT["secret"]).status == 401, "a client is no key"
    assert len(events(server)) == 3


def test_large_bodies(server):
    """Who has a token is no stranger: only those may not send much."""
    body = b'{"properties": {"comment": "' + b"x" * 30000 + b'"}}'
    target = "/peopleevents/2/persons/jane@acme.com/definitions/addToCart/events?identifierType=EMAIL"
    for authorization in "IBSSO " + session(server), "App " + SPACE + "-key":
        reply = server.request("POST", target, {"Authorization": authorization}, body)
        assert reply.status != 413, reply
    assert server.request("POST", target, {"Authorization": "IBSSO wrong"}, body).status == 401


def test_the_answers(server):
    reply = grant(server, BOTH[0])
    assert {n: v for n, v in reply.json().items() if n != "access_token"} == {
        "expires_in": 3600, "token_type": "Bearer"}
    reply = grant(server, BOTH[1])
    assert {n: v for n, v in reply.json().items() if n != "access_token"} == {
        "expires_in": 7200, "token_type": "Bearer", "scope": "events.write contacts.read"}
    tokens = [token_of(grant(server, BOTH[i % 2])) for i in range(6)]
    assert len(set(tokens)) == 6 and all(len(t) == 43 for t in tokens)
    assert reply.header("Cache-Control") == "no-store"


def test_omnisend_with_a_fetched_token(server):
    token = token_of(grant(server))
    assert omnisend(server, "Bearer " + token).status == 202
    assert len(events(server)) == 1
    found = server.request("GET", "/v4/contacts/email:jane@acme.com",
                           {"Authorization": "Bearer " + token})
    assert found.status == 200
    narrow = token_of(grant(server, scope="contacts.read"))
    assert omnisend(server, "Bearer " + narrow).status == 403
    wider = grant(server, scope="contacts.read definitions.write")
    check_oauth_no(wider, 400, "invalid_scope")


@pytest.mark.parametrize("target", BOTH)
def test_noes(server, target):
    def no(status, error, **fields):
        check_oauth_no(grant(server, target, **fields), status, error)
    no(401, "invalid_client", client_secret="wrong")
    no(401, "invalid_client", client_id="nobody")
    no(401, "invalid_client", client_secret=None)
    no(401, "invalid_client", client_id=SPACE + "-key", client_secret=SPACE + "-key")
    no(400, "unsupported_grant_type", grant_type="password")
    no(400, "invalid_request", grant_type=None)
    reply = server.request("POST", target, {"Content-Type": "application/json"}, b"{}")
    check_oauth_no(reply, 400, "invalid_request")
    reply = server.request("POST", target, FORM, b"x" * 20000)
    assert reply.status in (401, 413) and "error" in reply.json(), reply
    assert server.request("GET", target).status == 405


@pytest.mark.parametrize("target", BOTH)
def test_the_form_in_the_query(server, target):
    fields = {"grant_type": "client_credentials", "client_id": CLIENT["id"],
              "client_secret": CLIENT["secret"]}
    asked = target + "?" + urllib.parse.urlencode(fields)
    for headers in (FORM, {}):  # what has no body needs no type
        token_of(server.request("POST", asked, headers, b""))
    check_oauth_no(server.request("POST", asked, {}, b"x=y"), 400, "invalid_request")


def test_wrong_names_and_passwords(server):
    unauthorized = '{"requestError":{"serviceException":{"messageId":"UNAUTHORIZED",' \
                   '"text":"Unauthorized"}}}'
    for name, secret in [("nobody", SPACE + "-key"), (SPACE + "-key", "wrong"),
                         (SPACE + "-key", SPACE + "-reader"), (CLIENT["id"], CLIENT["secret"])]:
        reply = log_in(server, name, secret)
        assert (reply.status, reply.text) == (401, unauthorized), (name, reply)
    assert log_in(server, "").status == 400


def test_a_session_ends(server):
    first, second = session(server), session(server)
    end = {"Authorization": "IBSSO " + first}
    assert server.request("DELETE", "/auth/1/session", end).status == 200
    assert server.request("DELETE", "/auth/1/session", end).status == 401
    assert infobip(server, "IBSSO " + first).status == 401
    assert infobip(server, "IBSSO " + second).status == 201
    of_client = token_of(grant(server, BOTH[0]))
    for other in SPACE + "-key", of_client:
        other = {"Authorization": "IBSSO " + other}
        assert server.request("DELETE", "/auth/1/session", other).status == 401
    assert infobip(server, "Bearer " + of_client).status == 201, "a client's token is no session"
    server.restart()
    assert infobip(server, "IBSSO " + first).status == 401
    assert infobip(server, "IBSSO " + second).status == 201


def revoke(server, token, client="shop+app", secret=CLIENT["secret"]):
    return form(server, "/oauth2/revoke", token=token, client_id=client, client_secret=secret)


def test_revocation(server):
    token, kept = token_of(grant(server)), token_of(grant(server))
    check_oauth_no(revoke(server, token, secret="wrong"), 401, "invalid_client")
    check_oauth_no(revoke(server, ""), 400, "invalid_request")
    assert revoke(server, token, client="other").status == 200, "nothing is told"
    assert omnisend(server, "Bearer " + token).status == 202, "another client's stays"
    for _ in range(2):
        reply = revoke(server, token)
        assert (reply.status, reply.text) == (200, "")
    assert omnisend(server, "Bearer " + token).status == 401
    assert omnisend(server, "Bearer " + kept).status == 202
    server.restart()
    assert omnisend(server, "Bearer " + token).status == 401
    assert omnisend(server, "Bearer " + kept).status == 202


def test_a_kill_keeps_tokens(server):
    token = token_of(grant(server))
    server.kill()
    server.start()
    assert omnisend(server, "Bearer " + token).status == 202


def set_expiry(server, at):
    """With the server away: all tokens expire then."""
    with sqlite3.connect(server.data / "occurd.db") as db:
        db.execute("UPDATE token SET expires_at = ?", [int(at * 1_000_000)])
    db.close()


def rows(server):
    db = sqlite3.connect(server.data / "occurd.db")
    count = db.execute("SELECT count(*) FROM token").fetchone()[0]
    db.close()
    return count


def test_expiry(server):
    token = token_of(grant(server))

    def look():
        return server.request("GET", "/v4/contacts/email:jane@acme.com",
                              {"Authorization": "Bearer " + token}).status
    server.stop()
    set_expiry(server, time.time() + 5)
    server.start()
    assert look() == 200
    occurd.wait_until(lambda: look() == 401, what="the token's end")
    assert rows(server) == 1, "nothing was written meanwhile"
    assert omnisend(server, "Bearer " + SPACE + "-key").status == 202
    assert rows(server) == 0, "purged with the next batch"
    assert look() == 401


def test_expired_before_the_start(server):
    token = token_of(grant(server))
    server.stop()
    set_expiry(server, time.time() - 1)
    server.start()
    assert omnisend(server, "Bearer " + token).status == 401


def test_a_token_ends_with_what_it_was_made_for(server):
    by_client, by_key = token_of(grant(server)), session(server)
    server.stop()
    keys = [occurd.key(SPACE + "-key", ["events.write"], revoked=True),
            occurd.key(SPACE + "-reader", occurd.ALL_SCOPES)]
    occurd.write_provision(server.provision, [declared(
        keys=keys, oauth_clients=[{**CLIENT, "secret": "new"}])])
    server.start()
    assert omnisend(server, "Bearer " + by_client).status == 401
    assert infobip(server, "IBSSO " + by_key).status == 401
    assert omnisend(server, "Bearer " + token_of(grant(server, client_secret="new"))).status == 202


def files(server):
    return {path: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}


def test_tokens_are_kept_as_digests_only(tmp_path):
    with occurd.start(tmp_path, [declared()], ["--access-log", "on"]) as server:
        tokens = [token_of(grant(server)), session(server), token_of(grant(server))]
        for token in tokens:
            assert infobip(server, "Bearer " + token).status == 201
        server.request("DELETE", "/auth/1/session", {"Authorization": "IBSSO " + tokens[1]})
        revoke(server, tokens[2])
        running = files(server)
        server.stop()
        log = "\n".join(server.log)
        assert "/auth/1/session" in log and "/oauth2/token" in log
        for secret in [*tokens, CLIENT["secret"]]:
            assert secret not in log
            for path, data in [*running.items(), *files(server).items()]:
                assert secret.encode() not in data, f"a secret in {path}"
        assert running.keys() > files(server).keys(), "the log of the database was looked at"


@pytest.mark.parametrize("limits", [{}, {"requests_per_second": -1}, {"requests_per_second": 9999}])
def test_the_rate_of_log_ins(tmp_path, limits):
    """Ten a second, whatever else the key does and the workspace says: all share the room."""
    with occurd.start(tmp_path, [declared(limits=limits)]) as server:
        begun = time.monotonic()
        replies = [log_in(server) for _ in range(60)]
        statuses = {r.status for r in replies}
        assert 429 in statuses or time.monotonic() - begun > 4
        assert statuses <= {200, 429} and 200 in statuses
        for reply in replies:
            assert reply.status == 200 or int(reply.header("Retry-After")) >= 1
        assert infobip(server, "App " + SPACE + "-key").status == 201
