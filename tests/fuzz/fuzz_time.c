/* Instants: each text in every form; what is read is written, and reads as the same instant. */
#include "base/timefmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ALL_FORMS = TIME_ISO_ZONE * 2 - 1 };

static void check_written(instant_us t)
{
	char room[64];
	instant_us back;
	struct buf b = buf_over(room, sizeof(room));
	time_put(&b, t, 6);
	must(!b.failed && time_parse(buf_str(&b), TIME_STRICT, &back) && back == t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	instant_us strict = 0, t = 0;
	bool taken = time_parse(text, TIME_STRICT, &strict);
	for (unsigned forms = 0; forms <= ALL_FORMS; forms++) {
		bool also = time_parse(text, forms, &t);
		must(also || !taken);
		must(!taken || t == strict);
		if (also)
			check_written(t);
	}
	must(!time_is_date(text) || time_parse(text, TIME_DATE_ALONE, &t));
	return 0;
}
