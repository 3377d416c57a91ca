// Fastify with PostgreSQL: a worker for each core, a pool in each, one prepared INSERT for each request.
//     node postgres.js PORT KEY SOCKET_DIRECTORY WORKERS POOL
import cluster from "node:cluster";
import pg from "pg";
import { identities, makeApp } from "./app.js";

const [port, key, host, workers, size] = process.argv.slice(2);
const pool = new pg.Pool({ host, database: "postgres", user: "postgres", max: Number(size) });

const schema = `
  CREATE TABLE IF NOT EXISTS contact(
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, external_id text UNIQUE,
    phone text UNIQUE, created_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS event(
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL, contact bigint NOT NULL,
    definition text NOT NULL, occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(), properties jsonb NOT NULL);
  CREATE INDEX IF NOT EXISTS event_of_contact ON event(contact, seq);
`;

// By the best identity given: the contact is found, else made, else (somebody made it meanwhile) found
// again; nothing is rewritten.
function insertBy(column) {
  return {
    name: `event by ${column}`,
    text: `
    WITH known AS (
      SELECT no FROM contact WHERE ${column} = $1
    ), made AS (
      INSERT INTO contact(${column}) SELECT $1 WHERE NOT EXISTS (SELECT FROM known)
      ON CONFLICT (${column}) DO UPDATE SET ${column} = excluded.${column} RETURNING no
    )
    INSERT INTO event(id, contact, definition, occurred_at, properties)
    SELECT $2, no, $3, $4, $5 FROM (SELECT no FROM known UNION ALL SELECT no FROM made) c`,
  };
}

const inserts = Object.fromEntries(["external_id", "email", "phone"].map((column) => [column, insertBy(column)]));

async function store({ id, body, occurred }) {
  const [[column, value]] = identities(body);
  await pool.query({ ...inserts[column], values: [value, id, body.event, new Date(occurred), JSON.stringify(body.data)] });
}

if (cluster.isPrimary) {
  await pool.query(schema);
  await pool.end();
  for (let i = 0; i < Number(workers); i++) cluster.fork();
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  await makeApp(store, key).listen({ host: "127.0.0.1", port: Number(port) });
}
