#include "model/vendor.h"

/* Rates: Omnisend takes 400 requests a minute, Infobip 250 a second, 5 with their time. Arsel's
 * pages say 2 a second, without bursts, its newer document 1000 a minute. Pristo says nothing,
 * so this is a modest guess. */
const struct vendor vendors[VENDORS] = {
	[VENDOR_PRISTO] = { STR_INIT("pristo"), STR_INIT("https://api.pristo.io"), 10, true, 0,
			    VENDOR_FIELDS_NAMED },
	[VENDOR_OMNISEND] = { STR_INIT("omnisend"), STR_INIT("https://api.omnisend.com"), 6, false,
			      0, VENDOR_FIELDS_ALWAYS },
	[VENDOR_INFOBIP] = { STR_INIT("infobip"), STR_INIT(""), 250, false, 5,
			     VENDOR_FIELDS_NEVER },
	[VENDOR_ARSEL] = { STR_INIT("arsel"), STR_INIT("https://api.arsel.sa"), 2, false, 0,
			   VENDOR_FIELDS_NEVER },
};

const char vendor_names[] = "pristo, omnisend, infobip, arsel";

const struct vendor *vendor_find(struct str name)
{
	for (unsigned i = 0; i < VENDORS; i++)
		if (str_eq(vendors[i].name, name))
			return &vendors[i];
	return NULL;
}
