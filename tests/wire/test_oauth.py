"""Omnisend's log-in of a person for an application: the page, the code, and what comes of it."""

import base64
import hashlib
import html.parser
import http.client
import json
import re
import sqlite3
import threading
import time
import urllib.parse

import pytest

import occurd
import openapi
import senders

SPACE = "oauth"
JANE = {"identities": [{"kind": "email", "value": "jane@acme.com"}],
        "attributes": {"email": "jane@acme.com"}}
BACK = "https://app.example/back"
BACKS = [BACK, "https://app.example/other?a=b", "http://127.0.0.1:7777/cb", "http://[::1]/cb"]
# A person says yes to a client only so many times a minute, so every test has a client of its own.
IDS = [f"shop+app {n}" for n in range(200)]
CLIENT = {"id": IDS[0], "secret": "sec/ret%1", "scopes": ["events.write", "contacts.read"],
          "redirect_uris": BACKS}
SOLE = {**CLIENT, "id": "sole", "redirect_uris": [BACK]}
NASTY = {**CLIENT, "id": "<script>alert(1)</script>\"'&amp;", "redirect_uris": [BACK]}
VERIFIER = "dBjftJeZ4CVP-mBz92yJPTMQ~UtcgO.KF6.Mu_tyY12"
FOREVER = 9223372036
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGE = "/oauth2/authorize"

KEYS = [occurd.key(SPACE + "-key", ["events.write"]),
        occurd.key(SPACE + "-reader", occurd.ALL_SCOPES),
        occurd.key("person", ["contacts.read", "events.write"]),
        occurd.key("boss", ["admin"]), occurd.key("gone", occurd.ALL_SCOPES, revoked=True),
        occurd.key("window", ["events.write"], publishable=True)]


def declared(ids=(), **members):
    usual = {"contacts": [JANE], "limits": {"requests_per_second": -1}, "keys": KEYS,
             "oauth_clients": [CLIENT, *({**CLIENT, "id": i} for i in ids), SOLE, NASTY, {**CLIENT, "id": "other"},
                               {**CLIENT, "id": "mute", "redirect_uris": []},
                               {**CLIENT, "id": "narrow", "scopes": ["events.write"]}]}
    return occurd.workspace(SPACE, **{**usual, **members})


ELSEWHERE = occurd.workspace("<oauth & elsewhere>", oauth_clients=[{**CLIENT, "id": "far"}],
                             keys=[occurd.key("stranger", occurd.ALL_SCOPES)])


unused_ids = iter(IDS)


@pytest.fixture(autouse=True)
def client(shared):
    CLIENT["id"] = next(unused_ids)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    CLIENT["id"] = "first"
    with occurd.start(tmp_path_factory.mktemp("oauth"), [declared(IDS), ELSEWHERE]) as server:
        yield server


@pytest.fixture
def server(shared):
    shared.revive()
    return shared


@pytest.fixture
def own(tmp_path):
    with occurd.start(tmp_path, [declared(), ELSEWHERE]) as server:
        yield server


# --- The browser and the person in front of it ---


class Page(html.parser.HTMLParser):
    """What stands in a page, as a browser reads it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.inputs, self.buttons, self.forms = [], "", [], {}, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if tag == "input":
            self.inputs.append(attrs["name"])
        if tag == "button":
            self.buttons[attrs["value"]] = attrs["name"]
        if tag == "form":
            self.forms.append(attrs)

    def handle_data(self, data):
        self.text += data


def query(**fields):
    usual = {"client_id": CLIENT["id"], "redirect_uri": BACK, "response_type": "code",
             "state": "xyz", "scope": "events.write contacts.read"}
    given = {n: v for n, v in {**usual, **fields}.items() if v is not None}
    return PAGE + "?" + urllib.parse.urlencode(given)


def visit(server, **fields):
    return server.request("GET", query(**fields))


def check_page(reply, status):
    assert reply.status == status, reply
    assert reply.header("Content-Type") == "text/html; charset=utf-8"
    assert reply.header("Cache-Control") == "no-store"
    assert reply.header("X-Frame-Options") == "DENY"
    assert reply.header("Referrer-Policy") == "no-referrer"
    assert reply.header("Location") is None
    policy = reply.header("Content-Security-Policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    page = Page(reply.text)
    assert set(page.tags) <= {"html", "head", "meta", "title", "style", "body", "h1", "p", "b",
                              "ul", "li", "form", "label", "input", "button"}
    return page


def answer_page(server, decision="allow", key="person", target=None, **fields):
    """What a browser does with the page: the form goes to the page's own address."""
    target = target or query(**fields)
    page = check_page(server.request("GET", target), 200)
    assert page.forms == [{"method": "post"}] and page.inputs == ["key"]
    body = urllib.parse.urlencode({"key": key, page.buttons[decision]: decision}).encode()
    return server.request("POST", target, FORM, body)


def came_back(reply, to=BACK):
    """The parameters that the browser brings to the client."""
    assert reply.status == 303 and reply.body == b"", reply
    assert reply.header("Cache-Control") == "no-store"
    there = reply.header("Location")
    joint = "&" if "?" in to else "?"
    assert there.startswith(to + joint), there
    pairs = urllib.parse.parse_qsl(there[len(to) + 1:], keep_blank_values=True,
                                   strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def check_error_back(reply, error, state="xyz"):
    given = came_back(reply)
    assert (given["error"], given.get("state")) == (error, state)
    assert given["error_description"] and "code" not in given


def code_of(server, **fields):
    given = came_back(answer_page(server, **fields))
    assert list(given) == ["code", "state"] and given["state"] == "xyz"
    assert re.fullmatch(r"[A-Za-z0-9_-]{86}", given["code"])
    return given["code"]


# --- The client ---


def form(server, target, **fields):
    given = {"client_id": CLIENT["id"], "client_secret": CLIENT["secret"], **fields}
    given = {n: v for n, v in given.items() if v is not None}
    body = urllib.parse.urlencode(given).encode()
    return senders.patient(lambda: server.request("POST", target, FORM, body))


def exchange(server, code, **fields):
    return form(server, "/oauth2/token", **{"grant_type": "authorization_code", "code": code,
                                            "redirect_uri": BACK, **fields})


def refresh(server, token, **fields):
    return form(server, "/oauth2/token", grant_type="refresh_token", refresh_token=token, **fields)


def revoke(server, token, **fields):
    assert form(server, "/oauth2/revoke", token=token, **fields).status == 200


def check_no(reply, error, status=400):
    assert (reply.status, reply.json()["error"]) == (status, error), reply
    assert list(reply.json()) == ["error", "error_description"]
    assert reply.header("Cache-Control") == "no-store"


def pair_of(reply, scope="events.write contacts.read"):
    assert reply.status == 200, reply
    given = reply.json()
    assert list(given) == ["access_token", "expires_in", "token_type", "refresh_token", "scope"]
    assert (given["expires_in"], given["token_type"], given["scope"]) == (FOREVER, "Bearer", scope)
    assert reply.header("Cache-Control") == "no-store"
    return given["access_token"], given["refresh_token"]


def log_in(server, **fields):
    return pair_of(exchange(server, code_of(server, **fields)))


def track(server, token):
    body = json.dumps({"eventName": "x", "contact": {"email": "jane@acme.com"}}).encode()
    return server.request("POST", "/v4/track", {"Authorization": "Bearer " + token}, body).status


def look(server, token):
    return server.request("GET", "/v4/contacts/email:jane@acme.com",
                          {"Authorization": "Bearer " + token}).status


def challenge_of(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_from_the_first_click_to_the_first_event(server):
    """With the standard library's client, as an application and a browser would."""
    def ask(method, target, body=None, **headers):
        connection.request(method, target, body, headers)
        reply = connection.getresponse()
        return reply, reply.read().decode()
    connection = http.client.HTTPConnection(*server.address)
    target = query(code_challenge=challenge_of(VERIFIER), code_challenge_method="S256")
    reply, text = ask("GET", target)
    page = Page(text)
    assert reply.status == 200 and page.forms == [{"method": "post"}]
    body = urllib.parse.urlencode({"key": "person", "decision": "allow"})
    reply, _ = ask("POST", target, body, **FORM)
    assert reply.status == 303
    back = urllib.parse.urlsplit(reply.headers["Location"])
    given = dict(urllib.parse.parse_qsl(back.query))
    assert back.geturl().startswith(BACK + "?") and given["state"] == "xyz"
    pair = [urllib.parse.quote(CLIENT[n], safe="") for n in ("id", "secret")]
    basic = base64.b64encode(":".join(pair).encode()).decode()
    body = urllib.parse.urlencode({"grant_type": "authorization_code", "code": given["code"],
                                   "redirect_uri": BACK, "code_verifier": VERIFIER})
    reply, text = ask("POST", "/oauth2/token", body, **FORM, Authorization="Basic " + basic)
    assert reply.status == 200
    token = json.loads(text)["access_token"]
    body = json.dumps({"eventName": "first", "contact": {"email": "jane@acme.com"}})
    assert ask("POST", "/v4/track", body, Authorization="Bearer " + token)[0].status == 202
    connection.close()
    events = server.reader(SPACE + "-reader").events()
    assert events[0]["definition"] == "first"


# --- The page ---


def test_what_the_page_says(server):
    page = check_page(visit(server), 200)
    for part in (CLIENT["id"], SPACE, "report events", "read contacts", "https://app.example"):
        assert part in page.text
    assert "administer" not in page.text and "create" not in page.text
    assert "read contacts" not in check_page(visit(server, scope="events.write"), 200).text
    whole = check_page(visit(server, scope=None), 200).text
    assert "report events" in whole and "read contacts" in whole


def test_the_policy(server):
    reply = visit(server)
    policy = reply.header("Content-Security-Policy")
    assert "form-action 'self' https://app.example" in policy
    style = re.search(r"<style>(.*)</style>", reply.text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    for to, place in [(BACKS[2], "http://127.0.0.1:7777"), (BACKS[3], "http:")]:
        policy = visit(server, redirect_uri=to).header("Content-Security-Policy")
        assert policy.endswith(f"form-action 'self' {place}")
    policy = visit(server, client_id="nobody").header("Content-Security-Policy")
    assert policy.endswith("form-action 'none'")


def test_nothing_gets_into_the_page(server):
    """No script of a client's name, of the workspace's, or of anything in the address."""
    reply = visit(server, client_id=NASTY["id"], state="<img src=x onerror=a>\"'")
    page = check_page(reply, 200)
    assert NASTY["id"] in page.text and "<script" not in reply.text
    assert "onerror" not in reply.text and "<img" not in reply.text
    page = check_page(visit(server, client_id="far"), 200)
    assert "<oauth & elsewhere>" in page.text
    for field in ("client_id", "redirect_uri"):
        reply = visit(server, **{field: "\"><script>alert(1)</script>"})
        check_page(reply, 400)
        assert "script" not in reply.text
    for field in ("scope", "response_type", "code_challenge"):
        check_page(answer_page(server, key="\"><script>alert(1)</script>"), 403)
        reply = visit(server, **{field: "\r\nSet-Cookie: a=b\r\n\r\n<script>"})
        assert reply.status == 303 and reply.header("Set-Cookie") is None


# What never sends the browser anywhere.
STAYS = [
    {"client_id": None}, {"client_id": ""}, {"client_id": "nobody"}, {"client_id": SPACE + "-key"},
    {"client_id": "mute"}, {"client_id": "mute", "redirect_uri": None}, {"redirect_uri": None},
    {"redirect_uri": ""}, {"redirect_uri": BACK + "/"}, {"redirect_uri": BACK + "/sub"},
    {"redirect_uri": BACK + "?x=y"}, {"redirect_uri": BACK + "#x"}, {"redirect_uri": BACK[:-1]},
    {"redirect_uri": "https://app.example:444/back"}, {"redirect_uri": "https://app.example"},
    {"redirect_uri": "http://app.example/back"}, {"redirect_uri": "https://APP.example/back"},
    {"redirect_uri": "https://app.example.evil.example/back"},
    {"redirect_uri": "https://app.example@evil.example/back"},
    {"redirect_uri": "https://app.example/./back"}, {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": "http://127.0.0.1:7778/cb"}, {"redirect_uri": "//evil.example"},
]


@pytest.mark.parametrize("fields", STAYS, ids=str)
def test_no_way_back(server, fields):
    check_page(visit(server, **fields), 400)
    body = b"key=person&decision=allow"
    check_page(server.request("POST", query(**fields), FORM, body), 400)


def test_malformed_addresses(server):
    good = query()
    for bad in (good + "&state=%zz", good + "&client_id=other", good + "&state=again",
                good + "&%", good + "&redirect_uri=" + BACK):
        check_page(server.request("GET", bad), 400)
    assert server.request("GET", good + "&more=1&more=2&&").status == 200


SENT_BACK = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"scope": "contacts.write"}, "invalid_scope"), ({"scope": "nonsense"}, "invalid_scope"),
    ({"scope": "events.write admin"}, "invalid_scope"),
    ({"code_challenge": challenge_of(VERIFIER)}, "invalid_request"),
    ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge": "+" * 43, "code_challenge_method": "S256"}, "invalid_request"),
]


@pytest.mark.parametrize("fields, error", SENT_BACK, ids=str)
def test_errors_that_the_client_learns(server, fields, error):
    check_error_back(visit(server, **fields), error)
    posted = server.request("POST", query(**fields), FORM, b"key=person&decision=allow")
    check_error_back(posted, error)


def test_deny(server):
    check_error_back(answer_page(server, "deny", key=""), "access_denied")
    check_error_back(answer_page(server, "deny", state=None), "access_denied", None)


@pytest.mark.parametrize("key", ["", "wrong", "gone", "stranger", "window", SPACE + "-key",
                                 CLIENT["secret"], "x" * 2000])
def test_keys_that_do_not_do(server, key):
    """Of nobody, revoked, of another workspace, publishable, with fewer scopes, no key at all."""
    page = check_page(answer_page(server, key=key, client_id="other"), 403)
    assert page.forms and (key not in page.text or key in ("", SPACE + "-key", "gone"))


def test_keys_that_do(server):
    assert code_of(server, key="boss")
    assert code_of(server, key=SPACE + "-key", scope="events.write")
    assert code_of(server, key=SPACE + "-reader")


def test_a_form_in_pieces(server):
    for body in (b"", b"key=person", b"key=person&decision=maybe", b"key=%zz&decision=allow",
                 b"key=person&decision=allow&decision=deny", b"key=a&key=person&decision=allow"):
        check_page(server.request("POST", query(client_id="narrow", scope=None), FORM, body), 400)
    as_json = {"Content-Type": "application/json"}
    check_page(server.request("POST", query(), as_json, b"key=person&decision=allow"), 400)
    reply = server.request("POST", query(), FORM, b"key=person&decision=allow&x=" + b"x" * 20000)
    check_page(reply, 413)


def test_other_methods(server):
    for method in ("PUT", "DELETE", "PATCH"):
        assert server.request(method, query(), FORM, b"").status == 405
    reply = server.request("HEAD", query())
    assert reply.status == 200 and reply.body == b""


STATES = ["", "a b+c", "a&b=c#d", "\"<>'", "é€😀", "\x00\x01\r\nX: y", "%41", "x" * 1500, None]


@pytest.mark.parametrize("state", STATES, ids=ascii)
def test_the_state_comes_back_as_it_was(server, state):
    given = came_back(answer_page(server, "deny", state=state, client_id="narrow",
                                  scope="events.write"))
    assert given.get("state") == state


def test_a_state_that_is_no_text(server):
    target = query(state=None, client_id="narrow", scope=None) + "&state=%FF%FE+%80"
    reply = answer_page(server, "deny", target=target)
    assert reply.header("Location").endswith("&state=%FF%FE%20%80")


def test_an_address_with_a_query(server):
    code = came_back(answer_page(server, redirect_uri=BACKS[1]), BACKS[1])["code"]
    pair_of(exchange(server, code, redirect_uri=BACKS[1]))


def test_the_sole_address_need_not_be_named(server):
    """Then the client need not repeat it; what it has named it must (RFC 6749 section 4.1.3)."""
    def again(**fields):
        code = came_back(answer_page(server, client_id="sole", **fields))["code"]
        return lambda **more: exchange(server, code, client_id="sole", **more)
    pair_of(again(redirect_uri=None)(redirect_uri=None))
    check_no(again(redirect_uri=None)(redirect_uri=BACKS[1]), "invalid_grant")
    check_no(again()(redirect_uri=None), "invalid_grant")


# --- The code ---


def test_a_code_is_good_once_and_takes_all_along(server):
    code = code_of(server)
    access, again = pair_of(exchange(server, code))
    assert track(server, access) == 202
    check_no(exchange(server, code), "invalid_grant")
    assert track(server, access) == 401, "whoever has the code may have stolen it"
    check_no(refresh(server, again), "invalid_grant")


@pytest.mark.parametrize("fields", [
    {"redirect_uri": None}, {"redirect_uri": BACK + "/"}, {"redirect_uri": BACKS[1]},
    {"client_id": "other"}, {"code_verifier": VERIFIER}], ids=str)
def test_a_code_is_bound(server, fields):
    """To address, client, and challenge or none; another client's try does not use it up."""
    code = code_of(server)
    check_no(exchange(server, code, **fields), "invalid_grant")
    if "client_id" in fields:
        pair_of(exchange(server, code))
    else:
        check_no(exchange(server, code), "invalid_grant")


def test_the_challenge(server):
    asked = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    pair_of(exchange(server, code_of(server, **asked), code_verifier=VERIFIER))
    other = VERIFIER[:-1] + "3"
    check_no(exchange(server, code_of(server, **asked), code_verifier=other), "invalid_grant")
    check_no(exchange(server, code_of(server, **asked)), "invalid_grant")
    given = challenge_of(VERIFIER)
    check_no(exchange(server, code_of(server, **asked), code_verifier=given), "invalid_grant")
    code = code_of(server, **asked)
    for bad in ("", "short", "x" * 42, "x" * 129, "+" * 43, "é" * 43):
        check_no(exchange(server, code, code_verifier=bad), "invalid_request")
    pair_of(exchange(server, code, code_verifier=VERIFIER))


def test_what_is_no_code(server):
    for code in ("", None):
        check_no(exchange(server, code), "invalid_request")
    access, again = log_in(server)
    for code in ("x", "x" * 86, access, again, "\x00", "é" * 43):
        check_no(exchange(server, code), "invalid_grant")
    check_no(exchange(server, "x", client_secret="wrong"), "invalid_client", 401)
    assert track(server, access) == 401, "its refresh token was given for a code"


def test_infobip_has_none_of_it(server):
    for fields in ({"grant_type": "authorization_code", "code": code_of(server)},
                   {"grant_type": "refresh_token", "refresh_token": log_in(server)[1]}):
        check_no(form(server, "/auth/1/oauth2/token", **fields), "unsupported_grant_type")


def test_only_access_tokens_are_credentials(server):
    code = code_of(server)
    assert track(server, code) == 401
    access, again = pair_of(exchange(server, code))
    assert track(server, again) == 401 and track(server, access) == 202
    assert server.request("GET", "/_/v1/events", {"Authorization": "Bearer " + again}).status == 401
    for reply in (refresh(server, access), exchange(server, access)):
        check_no(reply, "invalid_grant")


def concurrently(work, n=8):
    replies, start = [], threading.Barrier(n)

    def run():
        start.wait()
        replies.append(work())
    senders.in_threads([run] * n)
    return sorted(reply.status for reply in replies), replies


def test_one_of_many_wins(server):
    """And because the others had the code too, not for long."""
    code = code_of(server)
    statuses, replies = concurrently(lambda: exchange(server, code))
    assert statuses == [200] + [400] * 7
    winner = next(reply for reply in replies if reply.status == 200)
    assert track(server, winner.json()["access_token"]) == 401


# --- The refresh token ---


def test_refresh_replaces_both(server):
    access, first = log_in(server)
    newer, second = pair_of(refresh(server, first))
    assert len({access, first, newer, second}) == 4
    assert (track(server, access), track(server, newer)) == (401, 202)
    newest, third = pair_of(refresh(server, second))
    assert track(server, newest) == 202
    check_no(refresh(server, first), "invalid_grant")
    assert track(server, newest) == 401, "an old one came back: all of it ends"
    check_no(refresh(server, third), "invalid_grant")


def test_scopes_are_narrowed_and_never_widened(server):
    access, token = log_in(server)
    check_no(refresh(server, token, scope="contacts.write"), "invalid_scope")
    check_no(refresh(server, token, scope="nonsense"), "invalid_scope")
    assert track(server, access) == 202, "a no changes nothing"
    access, token = pair_of(refresh(server, token, scope="events.write"), "events.write")
    assert (track(server, access), look(server, access)) == (202, 403)
    access, token = pair_of(refresh(server, token))
    assert look(server, access) == 200, "what was granted stays granted"
    code = code_of(server, scope="contacts.read")
    access, token = pair_of(exchange(server, code, scope="events.write"), "contacts.read")
    assert (track(server, access), look(server, access)) == (403, 200)
    check_no(refresh(server, token, scope="events.write"), "invalid_scope")
    pair_of(refresh(server, token, scope="contacts.read"), "contacts.read")


def test_a_refresh_token_is_the_clients(server):
    access, token = log_in(server)
    check_no(refresh(server, token, client_id="other"), "invalid_grant")
    check_no(refresh(server, token, client_id="far"), "invalid_grant")
    check_no(refresh(server, token, client_secret="wrong"), "invalid_client", 401)
    check_no(refresh(server, ""), "invalid_request")
    assert track(server, access) == 202
    pair_of(refresh(server, token))


def test_two_refreshes_at_once(server):
    token = log_in(server)[1]
    statuses, _ = concurrently(lambda: refresh(server, token))
    assert statuses == [200] + [400] * 7


def test_revocation(server):
    access, token = log_in(server)
    kept, _ = log_in(server)
    revoke(server, token, client_id="other")
    assert track(server, access) == 202
    revoke(server, token)
    assert (track(server, access), track(server, kept)) == (401, 202)
    check_no(refresh(server, token), "invalid_grant")
    access, token = log_in(server)
    revoke(server, access, token_type_hint="access_token")
    assert track(server, access) == 401
    access, _ = pair_of(refresh(server, token))
    assert track(server, access) == 202
    revoke(server, code_of(server))


# --- Over ends ---


def test_a_restart_between_code_and_token(own):
    first, second = code_of(own), code_of(own)
    own.restart()
    access, token = pair_of(exchange(own, first))
    own.kill()
    own.start()
    assert track(own, access) == 202
    check_no(exchange(own, first), "invalid_grant")
    assert track(own, access) == 401
    check_no(refresh(own, token), "invalid_grant")
    access, token = pair_of(exchange(own, second))
    own.kill()
    own.start()
    newer, _ = pair_of(refresh(own, token))
    own.kill()
    own.start()
    assert (track(own, access), track(own, newer)) == (401, 202)


def sql(server, text, *values):
    with sqlite3.connect(server.data / "occurd.db") as db:
        rows = db.execute(text, values).fetchall()
    db.close()
    return rows


def test_codes_expire_and_tokens_do_not(own):
    code = code_of(own)
    access, _ = log_in(own)
    own.stop()
    lives = dict(sql(own, "SELECT kind, (expires_at - created_at) / 1000000 FROM token"))
    assert lives == {1: FOREVER, 2: FOREVER, 3: 300}
    sql(own, "UPDATE token SET expires_at = ? WHERE kind = 3", int(time.time() * 1e6) - 1)
    own.start()
    check_no(exchange(own, code), "invalid_grant")
    assert track(own, access) == 202


def test_who_gives_and_who_gets(own):
    """A token is the client's: it ends with the client, not with the key that said yes."""
    access, token = log_in(own)
    keys = [{**k, "revoked": True} if k["name"] == "person" else k for k in KEYS]
    own.stop()
    occurd.write_provision(own.provision, [declared(keys=keys)])
    own.start()
    assert track(own, access) == 202
    access, token = pair_of(refresh(own, token))
    own.stop()
    narrow = {**CLIENT, "scopes": ["contacts.read"], "redirect_uris": []}
    occurd.write_provision(own.provision, [declared(oauth_clients=[narrow])])
    own.start()
    assert (track(own, access), look(own, access)) == (403, 200)
    check_page(visit(own), 400)
    own.stop()
    assert len(sql(own, "SELECT 1 FROM token")) == 2
    occurd.write_provision(own.provision, [declared(oauth_clients=[{**CLIENT, "secret": "new"}])])
    own.start()
    assert track(own, access) == 401
    check_no(refresh(own, token, client_secret="new"), "invalid_grant")
    assert sql(own, "SELECT 1 FROM token") == [], "nobody could end them any more"


def test_secrets_are_nowhere(tmp_path):
    with occurd.start(tmp_path, [declared()], ["--access-log", "on"]) as server:
        code = code_of(server)
        access, token = pair_of(exchange(server, code))
        unused = code_of(server)
        files = [p.read_bytes() for p in server.data.rglob("*") if p.is_file()]
        server.stop()
        log = "\n".join(server.log)
        assert PAGE in log
        for secret in (code, access, token, unused, "person", CLIENT["secret"]):
            assert secret not in log
            assert secret == "person" or all(secret.encode() not in data for data in files)


# --- Rates ---


def test_keys_are_not_guessed_at_speed(own):
    """Whatever the workspace allows; the client's other calls go on, and so do other clients'."""
    def guess(client):
        return own.request("POST", query(client_id=client), FORM, b"key=guess&decision=allow")
    replies = [guess("other") for _ in range(31)]
    assert [reply.status for reply in replies[:30]] == [403] * 30
    check_page(replies[30], 429)
    assert int(replies[30].header("Retry-After")) >= 1
    assert guess("sole").status == 403
    assert visit(own, client_id="other").status == 200
    check_no(exchange(own, "x", client_id="other"), "invalid_grant")


def test_the_document_knows_pages():
    """openapi.check() looks into pages too."""
    reply = occurd.Reply(200, "", [("Content-Type", "text/html; charset=utf-8")], b"<html>")
    with pytest.raises(openapi.Misfit):
        openapi.check("omnisend", "GET", PAGE, reply)
