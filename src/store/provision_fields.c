#include "store/state.h"

static int add(struct store *s, const struct workspace *w, const struct provision *all,
	       const struct provision_contact_field *p)
{
	struct contact_field field = {
		.name = p->name,
		.typed = p->typed,
		.type = p->type,
		.title = STR(""),
		.description = STR(""),
		.fallback = STR(""),
	};
	if (w->contact_fields && w->contact_fields->n >= WORKSPACE_CONTACT_FIELDS_MAX)
		return provision_refuse(all, p->place,
					": a workspace would have more than %d contact fields",
					WORKSPACE_CONTACT_FIELDS_MAX);
	return contact_field_add(s, w->no, &field);
}

int provision_contact_field(struct store *s, uint32_t workspace, const struct provision *all,
			    const struct provision_contact_field *p)
{
	const struct workspace *w = catalog_find_workspace(s, workspace);
	const struct contact_field *old = workspace_contact_field(w, p->name);
	if (!old)
		return add(s, w, all, p);
	if (!p->typed || (old->typed && old->type == p->type))
		return 0;
	struct contact_field next = *old;
	next.typed = true;
	next.type = p->type;
	next.updated_at = s->at.received_at;
	return contact_field_set(s, workspace, &next);
}
