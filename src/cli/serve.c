/*
 * ~ Everything meets here, in the order in which it is needed and, at the end, in the reverse:
 * ~ settings, store, deliveries, committer, app, net loops. No part goes and looks for another; each
 * ~ is given what it needs.
 *
 * ~ Next: net/server.h for how requests arrive; api/app.c for who gets them; intake/intake.c for
 * ~ the main path of an event; intake/committer.c for the moment it becomes durable; and
 * ~ dialect/arsel.c for one vendor from its routes to its error bodies.
 */
#include "api/app.h"
#include "api/commits.h"
#include "base/fail.h"
#include "base/log.h"
#include "cli/command.h"
#include "conf/provision_file.h"
#include "conf/settings.h"
#include "deliver/deliver.h"
#include "net/tls.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
	PROVISION_MEMORY_MAX = 1 << 30, /* bytes; the file itself has a ceiling too */
	QUEUE_MAX = 16 * 1024,          /* operations accepted and not yet answered */
	BATCH_MAX = 1024,               /* operations per transaction */
};

/* What runs, in the order it was started; a part that is NULL was not. */
struct server {
	struct store *store;
	struct deliver *deliver;
	struct committer *committer;
	struct app *app;
	struct net_server *net;
	struct tls tls; /* with settings->tls_cert */
};

/* All threads inherit this: signals are taken by the main thread alone, in wait_for_stop(). Who
 * has no certificate to read anew ends with the terminal, as programs do. */
static void take_signals(const struct settings *settings, sigset_t *taken)
{
	sigemptyset(taken);
	sigaddset(taken, SIGTERM);
	sigaddset(taken, SIGINT);
	if (settings->tls_cert)
		sigaddset(taken, SIGHUP);
	pthread_sigmask(SIG_BLOCK, taken, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit shall fail the write, not kill the server */
}

/* Large pieces come from the system and go back to it: else glibc keeps what one flood of large
 * bodies needed, for ever. */
static void give_memory_back(void)
{
	enum { LARGE = 256 * 1024 };
	mallopt(M_MMAP_THRESHOLD, LARGE);
}

/* One file per connection: takes what the system allows, and no more connections than that. */
static void fit_to_file_limit(struct settings *settings)
{
	enum { OTHER_FILES = 64 }; /* the store's, the log's, the loops' own */
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	rlim_t room = files.rlim_cur > 2 * OTHER_FILES ? files.rlim_cur - OTHER_FILES : OTHER_FILES;
	if (settings->connections_max <= room)
		return;
	log_warning("connections_capped", LOG_I("asked", settings->connections_max),
		    LOG_I("files_allow", room));
	settings->connections_max = (unsigned)room;
}

static int open_store(const struct settings *settings, struct store **store)
{
	struct store_dialect names[8];
	must(n_dialects <= ARRAY_LEN(names));
	for (unsigned i = 0; i < n_dialects; i++)
		names[i] = (struct store_dialect){ (uint8_t)dialects[i]->no, dialects[i]->name };
	struct store_config config = {
		.dir = settings->data,
		.dialects = names,
		.n_dialects = n_dialects,
		.reserve_bytes = settings->disk_reserve,
		.now = time_now,
	};
	return store_open(&config, store);
}

/* Above zero: the file is wrong, and `error` says where. */
static int provision(const char *path, struct store *store, char *error, size_t error_size)
{
	struct arena arena;
	struct provision declared;
	arena_init(&arena, PROVISION_MEMORY_MAX, NULL);
	int r = provision_file_read(path, &arena, &declared, error, error_size);
	if (r == 0)
		r = store_provision(store, &declared);
	arena_fini(&arena);
	if (r != -ENOSPC)
		return r;
	/* What is there can still be read, and most files say what the store knows already. */
	log_warning("provision_skipped", LOG_S("cause", fail_text()));
	return 0;
}

static int start_net(const struct settings *settings, struct server *s)
{
	struct net_config config = {
		.host = settings->host,
		.port = settings->port,
		.loops = settings->threads,
		.limits = net_limits_default,
		.app = app_callbacks(s->app),
	};
	config.limits.connections_max = settings->connections_max;
	if (settings->tls_cert) {
		int r = tls_open(&s->tls, settings->tls_cert, settings->tls_key);
		if (r < 0)
			return pass(r);
		config.tls = &s->tls;
	}
	return net_server_start(&config, &s->net);
}

/* Events are taken even if nothing can follow them: they wait on the feed. */
static void open_deliver(const struct settings *settings, struct server *s)
{
	const struct deliver_config config = {
		.store = s->store,
		.dir = settings->data,
		.reserve_bytes = settings->disk_reserve,
	};
	if (deliver_new(&config, &s->deliver) < 0)
		log_error("deliveries_not_started", LOG_S("cause", fail_text()));
}

static void start_deliver(struct server *s)
{
	const struct deliver_commits commits = commits_to(s->committer);
	if (s->deliver && deliver_start(s->deliver, &commits) < 0)
		log_error("deliveries_not_started", LOG_S("cause", fail_text()));
}

/* Only requests and deliveries lead to commits, so all that is woken is there. */
static void on_committed(void *server)
{
	const struct server *s = server;
	if (s->deliver)
		deliver_wake(s->deliver);
	app_wake(s->app);
}

/* Once there is a store: the threads, last those that let requests in. */
static int start(const struct settings *settings, struct server *s)
{
	open_deliver(settings, s);
	struct committer_config committer = {
		.store = s->store,
		.queue_max = QUEUE_MAX,
		.batch_max = BATCH_MAX,
		.committed = on_committed,
		.follower = s,
	};
	int r = committer_start(&committer, &s->committer);
	if (r < 0)
		return pass(r);
	struct app_config app = {
		.store = s->store,
		.committer = s->committer,
		.deliver = s->deliver,
		.loops = settings->threads,
		.access_log = settings->access_log,
	};
	r = app_new(&app, &s->app);
	if (r < 0)
		return pass(r);
	start_deliver(s);
	return start_net(settings, s);
}

/* Requests that have arrived are answered and deeds that have begun are done, so the committer ends
 * after the net loops and the deliveries; until then it wakes whoever follows. */
static void stop(struct server *s)
{
	if (s->net)
		net_server_stop(s->net);
	deliver_stop(s->deliver);
	committer_stop(s->committer);
	deliver_free(s->deliver);
	app_free(s->app);
	net_server_free(s->net);
	tls_close(&s->tls);
	store_close(s->store);
}

static void say_ready(const struct settings *settings, const struct server *s)
{
	bool v6 = strchr(settings->host, ':') != NULL;
	printf("occurd ready %s://%s%s%s:%u\n", settings->tls_cert ? "https" : "http",
	       v6 ? "[" : "", settings->host, v6 ? "]" : "", net_server_port(s->net));
	fflush(stdout);
	log_info("started", LOG_S("version", OCCURD_VERSION), LOG_S("host", settings->host),
		 LOG_I("port", net_server_port(s->net)), LOG_S("data", settings->data),
		 LOG_I("threads", settings->threads));
}

static void reload(struct server *s)
{
	if (tls_reload(&s->tls) < 0)
		log_error("tls_reload_failed", LOG_S("cause", fail_text()));
	else
		log_info("tls_reloaded", LOG_S("certificate", s->tls.cert));
}

/* The signal to stop. */
static int wait_for_stop(struct server *s, const sigset_t *taken)
{
	int sig = 0;
	while (sigwait(taken, &sig) != 0 || sig == SIGHUP)
		if (sig == SIGHUP)
			reload(s);
	return sig;
}

static int refused(const char *what)
{
	fprintf(stderr, "occurd: %s\n", what);
	return 2;
}

static int could_not_start(struct server *s, const struct settings *settings, int r)
{
	if (r == -EADDRINUSE)
		fprintf(stderr, "occurd: cannot listen on %s port %u: it is taken\n",
			settings->host, settings->port);
	else if (!s->store)
		fprintf(stderr, "occurd: cannot start with data in %s: " STR_FMT "\n",
			settings->data, STR_ARG(fail_words()));
	else
		fprintf(stderr, "occurd: cannot start: " STR_FMT "\n", STR_ARG(fail_words()));
	log_error("start_failed", LOG_S("cause", fail_text()));
	stop(s);
	return 1;
}

static int serve(const struct settings *settings, const sigset_t *taken)
{
	struct server s = { 0 };
	char error[1024];

	int r = open_store(settings, &s.store);
	if (r == 0 && settings->provision)
		r = provision(settings->provision, s.store, error, sizeof(error));
	if (r > 0) {
		stop(&s);
		return refused(error);
	}
	r = r ?: start(settings, &s);
	if (r < 0)
		return could_not_start(&s, settings, r);

	say_ready(settings, &s);
	int sig = wait_for_stop(&s, taken);
	log_info("stopping", LOG_S("signal", sig == SIGTERM ? "SIGTERM" : "SIGINT"),
		 LOG_I("connections", net_server_connections(s.net)));
	stop(&s);
	log_info("stopped");
	return 0;
}

int command_serve(int argc, char **argv)
{
	struct settings settings;
	char error[512];
	sigset_t taken;

	switch (settings_read(argc, argv, &settings, error, sizeof(error))) {
	case SETTINGS_OK:
		break;
	case SETTINGS_HELP:
		settings_help(stdout);
		return 0;
	case SETTINGS_WRONG:
		return refused(error);
	}
	log_set_level(settings.log_level);
	take_signals(&settings, &taken);
	give_memory_back();
	fit_to_file_limit(&settings);
	return serve(&settings, &taken);
}
