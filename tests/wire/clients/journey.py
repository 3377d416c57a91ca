"""An integration from its first call to its last, as each vendor's client goes through it:

    python3 journey.py BASE VENDOR POPULATION

Ends with 1 at the first answer that is not what the vendor's would be; prints the contact's name.
"""
import sys
from datetime import datetime, timezone

import requests

BASE, VENDOR, POPULATION = sys.argv[1:]
KEY = "be_your_api_key"
session = requests.Session()


def call(status, method, path, **more):
    response = session.request(method, BASE + path, timeout=20, **more)
    assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
    return response.json() if response.content else None


def arsel():
    session.headers["Authorization"] = f"Bearer {KEY}"
    email = "python@arsel.example"
    fields = [{"name": "total", "type": "number", "required": True}]
    event = call(201, "POST", "/api/v1/events", json={"name": "python.paid", "schema": {"fields": fields}})
    changed = call(200, "PATCH", f"/api/v1/events/{event['id']}", json={"description": "Paid."})
    assert changed["description"] == "Paid." and changed["schema"]["fields"] == fields
    contact = call(201, "POST", "/api/v1/contacts", json={"email": email, "phone_number": "+966501234567"})

    one = {"event": "python.paid", "contact_id": contact["id"], "data": {"total": 1.5}}
    retry = {"Idempotency-Key": "python-1"}
    first = call(202, "POST", "/api/v1/events/send", json=one, headers=retry)
    assert call(202, "POST", "/api/v1/events/send", json=one, headers=retry) == first
    results = call(202, "POST", "/api/v1/events/send", json={"events": [one]})["results"]
    assert [r["status"] for r in results] == ["accepted"]

    page = call(200, "GET", "/api/v1/contacts", params={"phone_number": "+966501234567"})
    assert page["data"] == [contact]
    names = [d["name"] for d in call(200, "GET", "/api/v1/events", params={"search": "PYTHON"})["data"]]
    assert names == ["python.paid"]
    return email


def infobip():
    token = call(200, "POST", "/auth/1/oauth2/token", data={
        "grant_type": "client_credentials", "client_id": "shop", "client_secret": "s3cret"})
    session.headers["Authorization"] = f"Bearer {token['access_token']}"
    email = "python@infobip.example"
    call(201, "POST", "/peopleevents/2/definitions", json={
        "definitionId": "pythonPaid", "title": "Paid", "fields": [{"name": "total", "type": "Decimal"}]})
    grown = call(200, "POST", "/peopleevents/2/definitions/pythonPaid", json={
        "title": "Paid", "fields": [{"name": "total", "type": "Decimal"}, {"name": "sku", "type": "String"}]})
    assert len(grown["fields"]) == 2
    person = call(200, "POST", "/people/2/persons", json={
        "externalId": "python-3", "contactInformation": {"email": [{"address": email}]}})

    path = "/peopleevents/2/persons/python-3/definitions/pythonPaid/events"
    event = {"eventId": "python-1", "properties": {"total": 1.5, "sku": "A"}}
    query = {"identifierType": "EXTERNAL_ID"}
    first = call(201, "POST", path, params=query, json=event)
    assert call(201, "POST", path, params=query, json=event) == first
    item = {"definitionId": "pythonPaid", "occurredTime": datetime.now(timezone.utc).isoformat(),
            "identifier": {"id": "python-3", "type": "EXTERNAL_ID"}, "properties": {"total": 2}}
    assert call(202, "POST", "/people/3/events", json=[item]) is None

    shown = call(200, "PATCH", "/people/2/persons", json={"tags": ["paid"]},
                 params={"identifier": email, "type": "EMAIL"})
    assert shown["id"] == person["id"] and shown["tags"] == ["paid"]
    assert call(200, "GET", "/people/2/persons", params={
        "identifier": "python-3", "type": "EXTERNAL_ID"}) == shown
    return email


def omnisend():
    session.headers["X-API-KEY"] = KEY
    email = "python@omnisend.example"
    call(201, "POST", "/api/event-metadata", json={
        "name": "python paid", "origin": "api", "displayName": "Paid",
        "properties": {"total": {"type": "float", "displayName": "Total"}}})
    made = call(201, "POST", "/api/contacts", json={"identifiers": [
        {"type": "email", "id": email, "channels": {"email": {"status": "subscribed"}}}]})

    event = {"eventName": "python paid", "eventID": "0f8fad5b-d9cb-469f-a165-708677289502", "origin": "api",
             "eventTime": "2026-06-01T12:00:00Z", "contact": {"email": email}, "properties": {"total": 1.5}}
    call(202, "POST", "/api/events", json=event)
    call(202, "POST", "/api/events", json=event)
    call(202, "POST", "/v4/track", json={"eventName": "python paid", "contact": {"email": email},
                                         "properties": {"total": 2.5}})

    call(202, "POST", "/api/contacts/tags", json={"tags": ["buyer"], "emails": [email]})
    shown = call(200, "GET", f"/api/contacts/{made['id']}")
    assert shown["tags"] == ["buyer"] and shown["status"] == "subscribed"
    tagged = call(200, "GET", "/v5/contacts", params={"tag": "buyer"})["contacts"]
    assert [c["contactID"] for c in tagged] == [made["id"]]
    return email


def pristo():
    session.headers["X-API-Key"] = KEY
    contact = {"id": "5d1c9a40-3b8f-4a52-9f3e-6b1f2f7c9d02", "email": "python@pristo.example", "language": "he"}
    made = call(201, "POST", f"/v1/populations/{POPULATION}/contacts", json={"contact": contact})
    assert made["contact"] == contact
    for order in "A-1", "A-2":
        sent = call(201, "POST", f"/v1/events/send/{POPULATION}", json={
            "contact": {"id": contact["id"]}, "type": "order.completed", "customFields": {"orderId": order}})
        assert sent["ok"] is True
    call(400, "POST", f"/v1/events/send/{POPULATION}", json={"contact": contact, "type": "no.such"})
    return contact["email"]


print({"arsel": arsel, "infobip": infobip, "omnisend": omnisend, "pristo": pristo}[VENDOR]())
