/* What contact_plan.c and contact_take.c share of a plan while it is made. */
#pragma once

#include "store/attributes.h"
#include "store/state.h"

enum { PLANNING_WAYS = 2 };

/* The plan while it is made. */
struct planning {
	struct store *s;
	struct op *op;
	struct contact_plan *plan;
	struct attributes attributes;
	struct str stored_identities, stored_attributes; /* the row's; empty for a new contact */
	unsigned owned_room, custom_before;
	bool identities_changed; /* perhaps to what they were */
	/* Of several e-mails or phones the first that becomes or is the contact's counts. */
	bool email_done, phone_done;
	struct str shown[PLANNING_WAYS]; /* e-mail and phone, as JSON, when it was looked at last */
};

struct identity planning_identity(const struct op *op, const struct who *who);
struct owned *planning_add(struct planning *p, struct identity id, struct str value);
/* One that the contact has or will have; NULL: none. */
struct owned *planning_find(const struct contact_plan *plan, const struct identity *id);

/* contact_states.c. Of a contact that was read, before anything changes. */
void planning_note_shown(struct planning *p);
/* What is known of an e-mail or phone goes when the contact no longer shows that one. */
MUST_CHECK int planning_forget_states(struct planning *p);

/* contact_take.c: what one identity of the operation does. STORE_REFUSED: see op->problems. */
MUST_CHECK int planning_consider(struct planning *p, const struct who *who);
/* The key of the e-mail or phone that an attribute shows, `json`; .p NULL: none. */
MUST_CHECK int planning_shown_key(struct planning *p, enum identity_kind kind, struct str json,
				  struct str *key);
/* Whether the contact shows `who`; *yes. */
MUST_CHECK int planning_shows(struct planning *p, const struct who *who, bool *yes);
/* What people go by; the ids that a channel or a browser gave them are nobody's to replace. */
bool planning_is_name(enum identity_kind kind);
/* The contact loses all that the operation does not name. */
void planning_drop_unnamed(struct planning *p);
