#include "deliver/ledger_private.h"

#define DUE_COLUMNS                                                                     \
	"SELECT no, workspace, automation, action, seq, contact, attempts, created_at," \
	" due_at, tried, doubt_at, kind"
#define DUE(meant)                                                     \
	DUE_COLUMNS ", " meant " FROM delivery WHERE destination = ?1" \
		    " AND state = 0 AND (due_at, no) > (?2, ?3)"       \
		    " AND due_at <= ?4 ORDER BY due_at, no LIMIT ?5"

const char *const ledger_sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[POSITION_GET] = "SELECT seq FROM position WHERE automation = ?",
	/* Also of the same it makes a row to write: a commit without any would not be synced. */
	[POSITION_SET] = "INSERT OR REPLACE INTO position(automation, seq, paused) VALUES(?1, ?2,"
			 " coalesce((SELECT paused FROM position WHERE automation = ?1), 0))",
	[PAUSED_GET] = "SELECT paused FROM position WHERE automation = ?",
	[PAUSED_SET] = "UPDATE position SET paused = ?2 WHERE automation = ?1",
	[FIRED_GET] = "SELECT at FROM fired WHERE automation = ? AND contact = ?",
	[FIRED_SET] = "INSERT OR REPLACE INTO fired(automation, contact, at) VALUES(?, ?, ?)",
	[FIRED_NEXT] =
		"SELECT automation FROM fired WHERE automation > ? ORDER BY automation LIMIT 1",
	[FIRED_DROP] = "DELETE FROM fired WHERE automation = ?1 AND contact IN (SELECT contact"
		       " FROM fired WHERE automation = ?1 ORDER BY contact LIMIT ?2)",
	[DELIVERY_ADD] = "INSERT INTO delivery(workspace, automation, action, destination, seq,"
			 " contact, state, attempts, tried, created_at, due_at, ended_at, status,"
			 " answer, kind) VALUES(?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, 0, 0, '', ?)",
	[DELIVERY_DUE] = DUE("1"),
	[DELIVERY_DUE_FIRST] =
		DUE("NOT EXISTS (SELECT 1 FROM delivery e WHERE e.destination = ?1"
		    " AND e.contact = delivery.contact AND e.state = 0 AND e.no < delivery.no)"),
	[DELIVERY_FIRST_OF] = DUE_COLUMNS " FROM delivery INDEXED BY delivery_first"
					  " WHERE destination = ? AND contact = ? AND state = 0"
					  " ORDER BY no LIMIT 1",
	[DELIVERY_NEXT_DUE] = "SELECT due_at FROM delivery WHERE destination = ?1 AND state = 0"
			      " AND (due_at, no) > (?2, ?3) ORDER BY due_at, no LIMIT 1",
	[DELIVERY_DOUBT] = "UPDATE delivery SET doubt_at = ? WHERE no = ? AND doubt_at = 0",
	[DELIVERY_UNDOUBT] = "UPDATE delivery SET doubt_at = 0 WHERE doubt_at = ? AND no = ?",
	[DELIVERY_SETTLE] = "UPDATE delivery SET state = ?, attempts = ?, due_at = ?,"
			    " ended_at = ?, status = ?, answer = ?, doubt_at = ?, note = ?"
			    " WHERE no = ? AND state = 0",
	/* Of one event and automation all stand behind each other. */
	[DELIVERY_RELEASE] =
		"UPDATE delivery SET due_at = ?4 WHERE no > ?1 AND no <= ?1 + ?5"
		" AND automation = ?2 AND seq = ?3 AND state = 0 AND due_at = 9223372036854775807"
		" AND no <= coalesce((SELECT min(no) FROM delivery WHERE no > ?1 AND no <= ?1 + ?5"
		" AND automation = ?2 AND seq = ?3 AND kind > 0), ?1 + ?5)",
	[DELIVERY_END] = "UPDATE delivery SET state = 2, ended_at = ?, answer = ?"
			 " WHERE no = ? AND state = 0",
	[DELIVERY_REPLAY] = "UPDATE delivery SET state = 0, due_at = ?, ended_at = 0,"
			    " tried = attempts WHERE no = ? AND state = ?",
	[ATTEMPT_ADD] = "INSERT OR REPLACE INTO attempt(delivery, n, at, duration_ms, status,"
			" answer) VALUES(?, ?, ?, ?, ?, ?)",
	[FORGET_FIND] = "SELECT no, destination, state FROM delivery WHERE contact = ? LIMIT 1",
	[FORGET_FIRED] = "DELETE FROM fired WHERE contact = ?",
	[SILENCE_GET] = "SELECT declared_at FROM silenced WHERE destination = ?",
	[SILENCE_SET] = "INSERT INTO silenced(destination, declared_at) VALUES(?, ?)"
			" ON CONFLICT(destination) DO UPDATE SET declared_at = excluded.declared_at"
			" WHERE excluded.declared_at > declared_at",
	[PURGE_FIND] = "SELECT no, destination, state FROM delivery WHERE state > 0"
		       " AND ended_at < ? ORDER BY ended_at LIMIT 1",
	[DROP_ATTEMPTS] = "DELETE FROM attempt WHERE delivery = ?",
	[DROP_DELIVERY] = "DELETE FROM delivery WHERE no = ?",
};
const unsigned n_ledger_sql = STATEMENTS;
