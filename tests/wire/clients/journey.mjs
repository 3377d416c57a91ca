// An integration from its first call to its last, as each vendor's client goes through it:
//   node journey.mjs BASE VENDOR POPULATION
// Ends with 1 at the first answer that is not what the vendor's would be; prints the contact's name.
import assert from "node:assert/strict";

const [base, vendor, population] = process.argv.slice(2);
const key = "be_your_api_key";

async function call(status, method, path, headers, body) {
  const form = body instanceof URLSearchParams;
  const response = await fetch(base + path, {
    method,
    headers: body && !form ? { "Content-Type": "application/json", ...headers } : headers,
    body: body && !form ? JSON.stringify(body) : body,
  });
  const text = await response.text();
  assert.equal(response.status, status, `${method} ${path}: ${text}`);
  return text ? JSON.parse(text) : null;
}

async function arsel() {
  const auth = { Authorization: `Bearer ${key}` };
  const email = "node@arsel.example";
  const fields = [{ name: "sku", type: "string", required: true }];
  const event = await call(201, "POST", "/v1/events", auth, { name: "node.viewed", schema: { fields } });
  assert.deepEqual(await call(200, "GET", `/v1/events/${event.id}`, auth), event);
  const contact = await call(201, "POST", "/v1/contacts", auth, { email, first_name: "Node" });

  const one = { event: "node.viewed", contact_id: contact.id, data: { sku: "A" } };
  const accepted = await call(202, "POST", "/v1/events/send", auth, one);
  assert.equal(accepted.status, "accepted");
  const batch = { events: [{ ...one, contact_id: undefined, email }, { ...one, data: {} }] };
  const retry = { ...auth, "Idempotency-Key": "node-1" };
  const first = await call(202, "POST", "/v1/events/send", retry, batch);
  assert.equal(first.results[0].status, "accepted");
  assert.equal(first.results[1].error.status_code, 422);
  assert.deepEqual(await call(202, "POST", "/v1/events/send", retry, batch), first);
  await call(409, "POST", "/v1/events/send", retry, { events: [one] });

  assert.deepEqual(await call(200, "GET", `/v1/contacts/${contact.id}`, auth), contact);
  const list = await call(200, "GET", `/v1/contacts?email=${encodeURIComponent(email)}`, auth);
  assert.deepEqual(list.data, [contact]);
  return email;
}

async function infobip() {
  const app = { Authorization: `App ${key}` };
  const email = "node@infobip.example";
  const fields = [{ name: "sku", type: "String" }];
  await call(201, "POST", "/peopleevents/2/definitions", app,
    { definitionId: "nodeViewed", title: "Viewed", fields });
  const person = await call(200, "POST", "/people/2/persons", app,
    { firstName: "Node", contactInformation: { email: [{ address: email }] } });

  const { token } = await call(200, "POST", "/auth/1/session", {}, { username: "backend", password: key });
  const ibsso = { Authorization: `IBSSO ${token}` };
  const path = `/peopleevents/2/persons/${encodeURIComponent(email)}/definitions/nodeViewed/events`;
  const event = { eventId: "node-1", properties: { sku: "A" } };
  const sent = await call(201, "POST", `${path}?identifierType=EMAIL`, ibsso, event);
  const again = await call(201, "POST", `${path}?identifierType=EMAIL`, ibsso, event);
  assert.deepEqual(again, sent);
  const item = { definitionId: "nodeViewed", occurredTime: new Date().toISOString(),
    identifier: { id: email, type: "EMAIL" }, properties: { sku: "B" } };
  assert.equal(await call(202, "POST", "/people/3/events", ibsso, [item]), null);

  const found = await call(200, "GET", `/people/2/persons?identifier=${email}&type=EMAIL`, app);
  assert.deepEqual(found, person);
  const page = await call(200, "GET", "/people/2/persons?includeTotalCount=true&limit=1", app);
  assert.ok(page.totalCount >= 1);
  await call(200, "DELETE", "/auth/1/session", ibsso);
  await call(401, "POST", `${path}?identifierType=EMAIL`, ibsso, event);
  return email;
}

async function omnisend() {
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: "shop", client_secret: "s3cret" });
  const token = await call(200, "POST", "/oauth2/token", {}, form);
  const auth = { Authorization: `Bearer ${token.access_token}` };
  const email = "node@omnisend.example";
  await call(201, "POST", "/api/event-metadata", auth,
    { name: "node viewed", origin: "api", displayName: "Viewed",
      properties: { sku: { type: "string", displayName: "SKU" } } });
  const contact = await call(200, "POST", "/v5/contacts", auth, { firstName: "Node", identifiers: [
    { type: "email", id: email, channels: { email: { status: "subscribed", statusDate: "2026-01-01T00:00:00Z" } } }] });

  const event = { eventName: "node viewed", eventID: "0f8fad5b-d9cb-469f-a165-708677289501", origin: "api",
    eventTime: "2026-06-01T12:00:00Z", contact: { email }, properties: { sku: "A" } };
  assert.equal(await call(202, "POST", "/v5/events", auth, event), null);
  assert.equal(await call(202, "POST", "/v5/events", auth, event), null);
  await call(202, "POST", "/v4/track", auth, { eventName: "node viewed", contact: { email }, properties: { sku: "B" } });

  const shown = await call(200, "GET", `/v4/contacts/email:${encodeURIComponent(email)}`, auth);
  assert.equal(shown.id, contact.contactID);
  const list = await call(200, "GET", `/api/contacts?email=${encodeURIComponent(email)}`, auth);
  assert.equal(list.contacts[0].id, contact.contactID);
  const revoke = new URLSearchParams({ token: token.access_token, client_id: "shop", client_secret: "s3cret" });
  await call(200, "POST", "/oauth2/revoke", {}, revoke);
  await call(401, "POST", "/v5/events", auth, event);
  return email;
}

async function pristo() {
  const auth = { "X-API-Key": key, "X-Request-Id": "2c1f8e1a-7d64-4a6e-9c3b-8a52f7d0e601" };
  const contact = { id: "5d1c9a40-3b8f-4a52-9f3e-6b1f2f7c9d01", email: "node@pristo.example", name: "Node" };
  const made = await call(201, "POST", `/v1/populations/${population}/contacts`, auth, { contact });
  assert.deepEqual(made.contact, contact);
  await call(200, "POST", `/v1/populations/${population}/contacts`, auth, { contact });
  for (const orderId of ["A-1", "A-2"]) {
    const sent = await call(201, "POST", `/v1/events/send/${population}`, auth,
      { contact: { id: contact.id }, type: "order.completed", customFields: { orderId } });
    assert.equal(sent.ok, true);
  }
  return contact.email;
}

console.log(await { arsel, infobip, omnisend, pristo }[vendor]());
