// Fastify with better-sqlite3: WAL, synchronous=FULL, one transaction for each request.
//     node sqlite.js PORT KEY FILE
import Database from "better-sqlite3";
import { identities, makeApp } from "./app.js";

const [port, key, file] = process.argv.slice(2);
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`
  CREATE TABLE IF NOT EXISTS contact(
    no INTEGER PRIMARY KEY, email TEXT UNIQUE, external_id TEXT UNIQUE, phone TEXT UNIQUE,
    created_at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS event(
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, contact INTEGER NOT NULL, definition TEXT NOT NULL,
    occurred_at INTEGER NOT NULL, received_at INTEGER NOT NULL, properties TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS event_of_contact ON event(contact, seq);
`);

const finds = Object.fromEntries(["external_id", "email", "phone"].map((column) =>
  [column, db.prepare(`SELECT no FROM contact WHERE ${column} = ?`).pluck()]));
const make = db.prepare("INSERT INTO contact(external_id, email, phone, created_at) VALUES(?, ?, ?, ?)");
const add = db.prepare(
  "INSERT INTO event(id, contact, definition, occurred_at, received_at, properties) VALUES(?, ?, ?, ?, ?, ?)");

function contactOf(given, received) {
  for (const [column, value] of given) {
    const no = finds[column].get(value);
    if (no !== undefined) return no;
  }
  const all = { external_id: null, email: null, phone: null, ...Object.fromEntries(given) };
  return make.run(all.external_id, all.email, all.phone, received).lastInsertRowid;
}

const store = db.transaction(({ id, body, received, occurred }) => {
  add.run(id, contactOf(identities(body), received), body.event, occurred, received, JSON.stringify(body.data));
}).immediate;

await makeApp(store, key).listen({ host: "127.0.0.1", port: Number(port) });
