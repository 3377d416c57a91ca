"""Workspaces with automations, events for them, and what came of those."""

import json

import occurd
import senders
from occurd import wait_until
from receiver import SECRET

TYPE = senders.TYPE


def webhook(name, receiver, path="/in", **members):
    return {"name": name, "type": "webhook", "url": receiver.url(path), "secret": SECRET,
            "allow_private": True, "retry_seconds": [1, 1, 1], **members}


def send_to(name, *destinations, **members):
    return {"name": name, "actions": [{"send": d} for d in destinations], **members}


def space_of(name, destinations, automations, **members):
    declared = {"definitions": [{"name": TYPE, "fields": [{"name": "n", "type": "number"}]}],
                "keys": [occurd.key(name, ["events.write", "contacts.write"]),
                         occurd.key(name + "-reader", occurd.ALL_SCOPES)]}
    return senders.engine_workspace(name, destinations=destinations, automations=automations,
                                    **{**declared, **members})


def track(server, space, email="a@example.com", **data):
    reply = server.request(*senders.arsel(space, email, data))
    assert reply.status == 202, reply
    return reply.json()["id"]


def api(server, space, method, path, body):
    return server.request(method, "/_/v1/" + path,
                          {"Authorization": f"Bearer {space['name']}-reader",
                           "Content-Type": "application/json"}, json.dumps(body).encode())


def deliveries(server, space, **params):
    query = "&".join(f"{k}={v}" for k, v in params.items())
    return senders.reader_of(server, space).pages("/_/v1/deliveries" + ("?" + query if query else ""))


def ended(server, space, n):
    def all_ended():
        rows = deliveries(server, space)
        return len(rows) == n and all(row["state"] != "pending" for row in rows)
    wait_until(all_ended, 30, f"{n} ended deliveries")
    return deliveries(server, space)
