#include "load/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
	"usage: load --port PORT --kind KIND [options]\n"
	"\n"
	"Sends requests over keep-alive connections and reports rate and latency.\n"
	"  --kind KIND         arsel, arsel-batch (50 events), pristo, omnisend, infobip, get\n"
	"  --host ADDRESS      127.0.0.1\n"
	"  --tls               over HTTPS; whose certificate it is is not looked at\n"
	"  --key K             secret, put into the dialect's header\n"
	"  --population UUID   of pristo\n"
	"  --paths FILE        of get: a path per line, drawn by chance\n"
	"  --connections N     64\n"
	"  --rate R            requests a second at a constant rate, latency from when a request\n"
	"                      was due, sent or not; without it each connection sends its next\n"
	"                      request as soon as it has the answer, latency from the sending\n"
	"  --seconds S         5, after --warmup S (1) that is not counted\n"
	"  --requests N        end after N requests instead\n"
	"  --contacts N        known contacts, 100000\n"
	"  --fresh PERCENT     of the events are of contacts never seen before, 5\n"
	"  --run N             0..899: contacts that are new in one run are new again in the next\n"
	"  --seed N            what chance draws is the same for the same seed\n"
	"  --in-order          contacts 1, 2, 3 ... instead of by chance\n";

enum {
	HOST = 1,
	PORT,
	KIND,
	KEY,
	POPULATION,
	PATHS,
	CONNECTIONS,
	RATE,
	SECONDS,
	WARMUP,
	REQUESTS,
	CONTACTS,
	FRESH,
	RUN,
	SEED,
	IN_ORDER,
	TLS,
};

static const struct option names[] = {
	{ "host", required_argument, NULL, HOST },
	{ "port", required_argument, NULL, PORT },
	{ "kind", required_argument, NULL, KIND },
	{ "key", required_argument, NULL, KEY },
	{ "population", required_argument, NULL, POPULATION },
	{ "paths", required_argument, NULL, PATHS },
	{ "connections", required_argument, NULL, CONNECTIONS },
	{ "rate", required_argument, NULL, RATE },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "warmup", required_argument, NULL, WARMUP },
	{ "requests", required_argument, NULL, REQUESTS },
	{ "contacts", required_argument, NULL, CONTACTS },
	{ "fresh", required_argument, NULL, FRESH },
	{ "run", required_argument, NULL, RUN },
	{ "seed", required_argument, NULL, SEED },
	{ "in-order", no_argument, NULL, IN_ORDER },
	{ "tls", no_argument, NULL, TLS },
	{ NULL, 0, NULL, 0 },
};

static void refuse(void)
{
	fputs(help, stderr);
	exit(2);
}

static double number(const char *text, double min, double max)
{
	char *end;
	double value = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || !(value >= min && value <= max))
		refuse();
	return value;
}

static void take(struct options *o, int name, const char *value)
{
	switch (name) {
	case HOST:
		o->host = value;
		break;
	case PORT:
		o->port = (uint16_t)number(value, 1, UINT16_MAX);
		break;
	case KIND:
		o->kind = value;
		break;
	case KEY:
		o->key = value;
		break;
	case POPULATION:
		o->population = value;
		break;
	case PATHS:
		o->paths = value;
		break;
	case CONNECTIONS:
		o->connections = (unsigned)number(value, 1, 60000);
		break;
	case RATE:
		o->rate = number(value, 0.1, 1e7);
		break;
	case SECONDS:
		o->seconds = number(value, 0.1, 1e6);
		break;
	case WARMUP:
		o->warmup = number(value, 0, 1e6);
		break;
	case REQUESTS:
		o->requests = (uint64_t)number(value, 1, 1e12);
		break;
	case CONTACTS:
		o->contacts = (uint64_t)number(value, 1, 999999999);
		break;
	case FRESH:
		o->fresh = (unsigned)number(value, 0, 100);
		break;
	case RUN:
		o->run = (unsigned)number(value, 0, 899);
		break;
	case SEED:
		o->seed = (uint64_t)number(value, 0, 1e15);
		break;
	case IN_ORDER:
		o->in_order = true;
		break;
	case TLS:
		o->tls = true;
		break;
	default:
		refuse();
	}
}

void options_read(int argc, char **argv, struct options *o)
{
	int name;
	*o = (struct options){
		.host = "127.0.0.1",
		.key = "",
		.population = "",
		.connections = 64,
		.seconds = 5,
		.warmup = 1,
		.contacts = 100000,
		.fresh = 5,
	};
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1)
		take(o, name, optarg);
	if (optind != argc || !o->port || !o->kind)
		refuse();
}
