// The call POST /v1/events/send of Arsel for single events, as Fastify's documentation would have it
// written: the body judged by Ajv through the route's schema, the answer by a serializer that is
// compiled once. What the store does with an event is given by the caller.
import { randomBytes, createHash } from "node:crypto";
import Ajv from "ajv";
import Fastify from "fastify";

const event = {
  type: "object",
  required: ["event", "data"],
  properties: {
    event: { type: "string", minLength: 1, maxLength: 80 },
    email: { type: "string", format: "email", maxLength: 320 },
    external_id: { type: "string", minLength: 1, maxLength: 255 },
    phone_number: { type: "string", pattern: "^\\+[1-9][0-9]{7,14}$" },
    data: { type: "object" },
    timestamp: { type: "string", format: "iso-date-time" },
  },
  anyOf: [{ required: ["email"] }, { required: ["external_id"] }, { required: ["phone_number"] }],
};

const accepted = {
  type: "object",
  properties: { id: { type: "string" }, status: { type: "string" } },
};

// Fields of the definitions, by name of the event.
const definitions = {
  "order.completed": {
    type: "object",
    required: ["order_id", "total"],
    properties: { order_id: { type: "string" }, total: { type: "number" } },
  },
};

// Types are exact, as they are for occurd.
const ajv = { customOptions: { coerceTypes: false, removeAdditional: false } };

function digest(secret) {
  return createHash("sha256").update(secret).digest("base64");
}

// 16 bytes, the first 48 bits of them the time.
function uuidv7(now) {
  const b = randomBytes(16);
  b.writeUIntBE(now, 0, 6);
  b[6] = (b[6] & 0x0f) | 0x70;
  b[8] = (b[8] & 0x3f) | 0x80;
  const h = b.toString("hex");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

// Whom the event is about: the identities given, best first, by their columns.
export function identities(body) {
  const all = { external_id: body.external_id, email: body.email?.toLowerCase(), phone: body.phone_number };
  return Object.entries(all).filter(([, value]) => value !== undefined);
}

// `store` takes an event and returns, or promises, once it is on disk.
export function makeApp(store, key) {
  const app = Fastify({ logger: false, ajv });
  const keys = new Set([digest(key)]);
  const checks = new Map(Object.entries(definitions).map(([name, schema]) => [name, new Ajv().compile(schema)]));
  app.addHook("onRequest", async (request, reply) => {
    const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "");
    if (!given || !keys.has(digest(given[1])))
      return reply.code(401).send({ status_code: 401, name: "unauthorized", message: "Invalid or missing API key" });
  });
  app.post("/v1/events/send", { schema: { body: event, response: { 202: accepted } } }, async (request, reply) => {
    const body = request.body;
    const check = checks.get(body.event);
    if (!check)
      return reply.code(404).send({ status_code: 404, name: "not_found", message: "No such event." });
    if (!check(body.data))
      return reply.code(422).send({ status_code: 422, name: "validation_error", message: "Payload does not match." });
    const now = Date.now();
    const id = uuidv7(now);
    await store({ id, body, received: now, occurred: body.timestamp ? Date.parse(body.timestamp) : now });
    reply.code(202);
    return { id, status: "accepted" };
  });
  return app;
}
