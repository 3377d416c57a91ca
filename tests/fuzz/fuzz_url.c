/* Targets, queries (the lists' cursors come in them) and forms: read every way, whatever they say. */
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 16 * 1024 * 1024 };

static const struct str names[] = { STR_INIT("limit"), STR_INIT("before"), STR_INIT("a"),
				    STR_INIT("") };

static void check_segment(struct arena *a, struct str text)
{
	struct str encoded = url_encode(a, text);
	must(encoded.p);
	struct url_place at;
	must(url_place_make(a, encoded, &at));
	struct str back = url_decode(at, encoded);
	must(back.p && str_eq(back, text));
	must(str_find(encoded, '/') == encoded.n && str_find(encoded, '&') == encoded.n);
}

/* What is found by its name is among those that are walked over. */
static void check_query(struct arena *a, struct str text)
{
	bool there[ARRAY_LEN(names)] = { false };
	struct str rest = text, name;
	struct url_place at;
	must(url_place_make(a, text, &at));
	while (url_query_next(at, &rest, &name)) {
		must(name.p);
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			there[i] |= str_eq(name, names[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		must((url_query(at, text, names[i]).p != NULL) == there[i]);
}

static void check_form(struct arena *a, struct str text)
{
	struct str values[ARRAY_LEN(names)];
	must(url_form(a, text, names, ARRAY_LEN(names), values) != URL_FORM_NO_MEMORY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	arena_init(&a, MEMORY_MAX, NULL);
	check_segment(&a, text);
	check_query(&a, text);
	check_form(&a, text);
	arena_fini(&a);
	return 0;
}
