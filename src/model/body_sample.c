#include "model/body_sample.h"

#define HOSTILE                                                                        \
	"\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u2028</x>{{x}}{{{y}}}, \\\"z\\\": " \
	"\\ud83d\\ude00'\""

#define UUID_ZERO "00000000-0000-7000-8000-000000000000"
#define TIME_ZERO "2026-01-01T00:00:00.000000Z"

/* Definitions can have very many fields, and lists in lists double what is in them. What is left out
 * has body_sample_text() in its place. */
enum { ENOUGH = 64 * 1024 }; /* bytes */

static void put_fields(struct buf *b, const struct field *fields, unsigned n);

static void put_object(struct buf *b, const struct field *f)
{
	buf_char(b, '{');
	put_fields(b, f->fields, f->n_fields);
	buf_char(b, '}');
}

/* Two items, so that what must stand between them is missed. */
static void put_array(struct buf *b, const struct field *f)
{
	buf_char(b, '[');
	for (unsigned i = 0; i < 2 && (i == 0 || b->n < ENOUGH); i++) {
		if (i > 0)
			buf_char(b, ',');
		if (f->n_fields)
			put_object(b, f);
		else
			buf_lit(b, HOSTILE);
	}
	buf_char(b, ']');
}

static void put_value(struct buf *b, const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
	case FIELD_EMAIL:
	case FIELD_URL:
		return buf_lit(b, HOSTILE);
	case FIELD_BOOLEAN:
		return buf_lit(b, "true");
	case FIELD_INTEGER:
		return buf_lit(b, "-7");
	case FIELD_NUMBER:
		return buf_lit(b, "-1.50e+1");
	case FIELD_DATE:
		return buf_lit(b, "\"2026-01-01\"");
	case FIELD_DATETIME:
		return buf_lit(b, "\"" TIME_ZERO "\"");
	case FIELD_OBJECT:
		return put_object(b, f);
	case FIELD_ARRAY:
		return put_array(b, f);
	case FIELD_TYPES:
		break;
	}
	buf_lit(b, "null");
}

static void put_fields(struct buf *b, const struct field *fields, unsigned n)
{
	for (unsigned i = 0; i < n && b->n < ENOUGH; i++) {
		if (i > 0)
			buf_char(b, ',');
		buf_json_str(b, fields[i].name);
		buf_char(b, ':');
		put_value(b, &fields[i]);
	}
}

bool body_sample(struct arena *a, const struct definition *d, struct str *event,
		 struct str *contact)
{
	struct buf b = buf_in(a);
	buf_lit(&b, "{\"id\":\"" UUID_ZERO "\",\"seq\":1,\"dialect\":\"arsel\",\"definition\":");
	buf_json_str(&b, d ? d->name : STR("sample"));
	buf_lit(&b, ",\"contact_id\":\"" UUID_ZERO "\",\"occurred_at\":\"" TIME_ZERO
		    "\",\"received_at\":\"" TIME_ZERO "\",\"properties\":{");
	if (d)
		put_fields(&b, d->fields, d->n_fields);
	buf_lit(&b, "}}");
	*event = buf_str(&b);
	*contact = STR("{\"id\":\"" UUID_ZERO "\",\"number\":1,\"identities\":[],\"attributes\":{},"
		       "\"created_at\":\"" TIME_ZERO "\",\"updated_at\":\"" TIME_ZERO
		       "\",\"event_count\":1,\"last_event_at\":\"" TIME_ZERO "\"}");
	return !b.failed;
}

bool body_sample_text(struct arena *a, yyjson_val **out)
{
	return json_parse(a, STR(HOSTILE), out, NULL) == JSON_OK;
}
