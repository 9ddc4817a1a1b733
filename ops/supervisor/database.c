/* SPDX-License-Identifier: MPL-2.0 */
/*  database - each step is an errand; the plan they fill lies in memory that the copies share with us */

#include "ops/supervisor/database.h"
#include "ops/supervisor/errand.h"
#include "ops/supervisor/migrate.h"
#include "ops/supervisor/postgres.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    bool private;
    char url [2001];                    /* DATABASE_URL, where it is not private */
    char home [PATH_MAX];
    char migrations [PATH_MAX];
    cf_postgres_plan_t plan;
} shared_t;

struct cf_database_t {
    cf_loop_t *loop;
    cf_logbook_t *book;
    shared_t *shared;
    cf_errand_t *errand;
    cf_database_fn *fn;
    void *arg;
};

/* ---- in the copy ---- */

static int
s_prepare (void *arg, cf_error_t *error)
{
    shared_t *shared = arg;
    return cf_postgres_prepare (&shared->plan, shared->home, error);
}

static int
s_await (void *arg, cf_error_t *error)
{
    shared_t *shared = arg;
    uint64_t due_ms = cf_clock_ms () + CF_DATABASE_START_MS;
    while (cf_postgres_ready (&shared->plan, error)) {
        if (cf_clock_ms () > due_ms)
            return -1;
        usleep (10000);                 /* the server tells nobody when it is ready: asking is all there is */
    }
    *error = (cf_error_t) { 0 };
    return 0;
}

static int
s_open (void *arg, cf_error_t *error)
{
    shared_t *shared = arg;
    if (shared->private && (s_await (shared, error) || cf_postgres_bootstrap (&shared->plan, error)))
        return -1;
    int count = cf_migrate (shared->private? shared->plan.url: shared->url, shared->migrations, error);
    if (count > 0)
        cf_log_info ("%d migration%s applied", count, count == 1? "": "s");
    return count < 0? -1: 0;
}

/* ---- in the supervisor ---- */

cf_database_t *
cf_database_new (cf_loop_t *loop, cf_logbook_t *book)
{
    cf_database_t *self = calloc (1, sizeof *self);
    shared_t *shared = cf_errand_share (sizeof *shared);
    if (!self || !shared) {
        cf_errand_unshare (shared, sizeof *shared);
        free (self);
        return NULL;
    }
    *self = (cf_database_t) { .loop = loop, .book = book, .shared = shared };
    shared->private = !cf_config_is_set (CF_CONFIG_DATABASE_URL);
    snprintf (shared->url, sizeof shared->url, "%s", cf_config_str (CF_CONFIG_DATABASE_URL));
    snprintf (shared->home, sizeof shared->home, "%s", cf_config_home (""));
    snprintf (shared->migrations, sizeof shared->migrations, "%s", cf_config_share ("migrations"));
    return self;
}

void
cf_database_destroy (cf_database_t **self_p)
{
    cf_database_t *self = *self_p;
    if (!self)
        return;
    cf_database_cancel (self);
    explicit_bzero (self->shared->url, sizeof self->shared->url);
    cf_errand_unshare (self->shared, sizeof *self->shared);
    free (self);
    *self_p = NULL;
}

static void
s_on_done (void *arg, const cf_error_t *error)
{
    cf_database_t *self = arg;
    self->errand = NULL;
    self->fn (self->arg, error);
}

static void
s_start (cf_database_t *self, cf_errand_fn *errand, cf_database_fn *fn, void *arg)
{
    cf_error_t error = { 0 };
    cf_database_cancel (self);
    self->fn = fn;
    self->arg = arg;
    self->errand = cf_errand_start (self->loop, self->book, "database", errand, self->shared, s_on_done, self, &error);
    if (!self->errand)
        fn (arg, &error);
}

void
cf_database_prepare (cf_database_t *self, cf_database_fn *fn, void *arg)
{
    s_start (self, s_prepare, fn, arg);
}

void
cf_database_open (cf_database_t *self, cf_database_fn *fn, void *arg)
{
    s_start (self, s_open, fn, arg);
}

void
cf_database_await (cf_database_t *self, cf_database_fn *fn, void *arg)
{
    s_start (self, s_await, fn, arg);
}

void
cf_database_cancel (cf_database_t *self)
{
    cf_errand_cancel (&self->errand);
}

bool
cf_database_is_private (const cf_database_t *self)
{
    return self->shared->private;
}

char *const *
cf_database_argv (const cf_database_t *self)
{
    return self->shared->plan.argv;
}

int
cf_database_stop_signal (const cf_database_t *self)
{
    return self->shared->plan.stop_signal;
}

const char *
cf_database_url (const cf_database_t *self)
{
    return self->shared->private? self->shared->plan.url: self->shared->url;
}
