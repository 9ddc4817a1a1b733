/* SPDX-License-Identifier: MPL-2.0 */
/*  budget - a user's day is an account: what its open jobs count, and what ended ones did
 *
 *  An account comes into being with its first open job, and is UNREAD until somebody asks for money: then what the ledger has of jobs
 *  that are not on the desk is added once, and everything after that is counted as it happens. While it is READING nothing is granted on it, so
 *  no job can come, spend and be read as well.
 */

#include "actors/ledger/budget.h"
#include "actors/ledger/usage.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define CF_BUDGET_AGAIN_MS 5            /* between two looks at what another task reads */
#define CF_BUDGET_DAY_US UINT64_C (86400000000)
#define CF_BUDGET_KEY_SIZE (CF_UUID_SIZE + 24)
#define CF_BUDGET_MOST UINT64_C (1000000000000000)      /* a call that costs more is no call */

typedef struct cf_account_t {
    UT_hash_handle hh;
    struct cf_account_t *prev, *next;   /* among the idle, oldest first */
    char key [CF_BUDGET_KEY_SIZE];      /* user, blank, day */
    enum { UNREAD, READING, READ } state;
    cf_job_t *jobs;                     /* open ones */
    size_t users;                       /* those, and tasks that wait for it */
    uint64_t counted;                   /* what open jobs count, and ended ones as far as they are known here */
    uint64_t left;                      /* of that, of jobs that left while it was being read */
} cf_account_t;

/*  An ended job with calls whose end nobody has told. */
typedef struct {
    UT_hash_handle hh;
    char job [CF_UUID_SIZE];
    char key [CF_BUDGET_KEY_SIZE];      /* of its account, "" for none */
    uint64_t lost;                      /* with its holds */
    cf_hold_t *holds;
} parted_t;

struct cf_budget_t {
    uint64_t per_job, per_day;          /* 0: any amount */
    cf_account_t *accounts, *idle;
    size_t idle_count;
    parted_t *parted;
};

/* ---- counting ---- */

void
cf_budget_recount (cf_job_t *job)
{
    uint64_t counts = (uint64_t) (job->cost_usd * 1e6 + 0.5) + job->lost + cf_job_held (job);
    if (job->account)
        job->account->counted = job->account->counted - job->counted + counts;
    job->counted = counts;
}

/*  "$0.25", or with as many decimals as it takes. */
static const char *
s_dollars (uint64_t millionths, char text [32])
{
    int size = snprintf (text, 32, "$%llu.%06llu", (unsigned long long) (millionths / 1000000u), (unsigned long long) (millionths % 1000000u));
    while (text [size - 1] == '0' && text [size - 3] != '.')
        text [--size] = 0;
    return text;
}

/* ---- holds ---- */

static cf_hold_t *
s_find (cf_hold_t *hold, const char *id)
{
    while (hold && strcmp (hold->id, id))
        hold = hold->next;
    return hold;
}

static cf_hold_t *
s_add (cf_job_t *job, const char *id, const char *step)
{
    size_t count = 0;
    cf_hold_t **last = &job->holds;
    for (; *last; last = &(*last)->next)
        count++;
    cf_hold_t *hold = count < CF_BUDGET_HOLDS? calloc (1, sizeof *hold): NULL;
    if (!hold)
        return NULL;
    snprintf (hold->id, sizeof hold->id, "%s", id);
    snprintf (hold->step, sizeof hold->step, "%s", step);
    *last = hold;
    return hold;
}

static void
s_drop (cf_hold_t **holds, cf_hold_t *hold)
{
    LL_DELETE (*holds, hold);
    free (hold);
}

char *
cf_budget_print (const cf_job_t *job)
{
    if (!job->holds)
        return NULL;
    cf_json_t *list = json_array ();
    for (const cf_hold_t *hold = job->holds; hold; hold = hold->next)
        json_array_append_new (list, json_pack ("{sssssIsI}", "id", hold->id, "step", hold->step, "most", (json_int_t) hold->most,
                                                "lost", (json_int_t) hold->lost));
    char *text = cf_json_print (list);
    json_decref (list);
    return text;
}

void
cf_budget_parse (cf_job_t *job, const char *text)
{
    cf_json_t *list = cf_json_parse (text, strlen (text), NULL), *row;
    size_t at;
    json_array_foreach (list, at, row) {
        const char *name = cf_json_str (row, "step", "");
        const cf_step_t *step = cf_job_find_step (job, name);
        bool finished = step && strcmp (step->status, "completed") == 0;
        cf_hold_t *hold = finished? NULL: s_add (job, cf_json_str (row, "id", ""), name);
        uint64_t lost = (uint64_t) cf_json_int (row, "lost", 0);
        if (hold) {
            hold->most = (uint64_t) cf_json_int (row, "most", 0);
            hold->lost = lost;
        }
        else
            job->lost += lost;
    }
    json_decref (list);
}

/* ---- accounts ---- */

static uint64_t
s_day (const cf_job_t *job)
{
    return job->created_us / CF_BUDGET_DAY_US;
}

static void
s_name_account (const cf_job_t *job, char key [CF_BUDGET_KEY_SIZE])
{
    snprintf (key, CF_BUDGET_KEY_SIZE, "%s %llu", job->user, (unsigned long long) s_day (job));
}

static cf_account_t *
s_account (cf_budget_t *self, const char *key)
{
    cf_account_t *account;
    HASH_FIND_STR (self->accounts, key, account);
    return account;
}

static void
s_forget (cf_budget_t *self, cf_account_t *account)
{
    HASH_DEL (self->accounts, account);
    free (account);
}

static void
s_rest (cf_budget_t *self, cf_account_t *account)
{
    DL_DELETE (self->idle, account);
    account->prev = account->next = NULL;
    self->idle_count--;
}

static void
s_use (cf_budget_t *self, cf_account_t *account)
{
    if (account->users++ == 0 && account->state == READ)
        s_rest (self, account);
}

/*  What has been read is remembered for the next job; the oldest of too many is forgotten. */
static void
s_let_go (cf_budget_t *self, cf_account_t *account)
{
    if (--account->users > 0)
        return;
    if (account->state != READ) {
        s_forget (self, account);
        return;
    }
    DL_APPEND (self->idle, account);
    if (++self->idle_count > CF_BUDGET_IDLE) {
        cf_account_t *oldest = self->idle;
        s_rest (self, oldest);
        s_forget (self, oldest);
    }
}

void
cf_budget_join (cf_budget_t *self, cf_job_t *job)
{
    if (self->per_day) {
        char key [CF_BUDGET_KEY_SIZE];
        s_name_account (job, key);
        cf_account_t *account = s_account (self, key);
        if (!account) {
            if (!(account = calloc (1, sizeof *account)))
                abort ();               /* out of memory: better gone, the ledger has it all */
            memcpy (account->key, key, sizeof key);
            HASH_ADD_STR (self->accounts, key, account);
        }
        s_use (self, account);
        DL_APPEND2 (account->jobs, job, account_prev, account_next);
        job->account = account;
    }
    cf_budget_recount (job);
}

/*  Keeps what a job leaves open, for as long as its callers may tell. */
static void
s_part (cf_budget_t *self, cf_job_t *job)
{
    parted_t *parted = calloc (1, sizeof *parted);
    if (!parted)
        abort ();
    memcpy (parted->job, job->id, sizeof parted->job);
    if (job->account)
        memcpy (parted->key, job->account->key, sizeof parted->key);
    parted->lost = job->lost += cf_job_held (job);
    parted->holds = job->holds;
    job->holds = NULL;
    HASH_ADD_STR (self->parted, job, parted);
}

static void
s_forget_parted (cf_budget_t *self, parted_t *parted)
{
    HASH_DEL (self->parted, parted);
    while (parted->holds)
        s_drop (&parted->holds, parted->holds);
    free (parted);
}

void
cf_budget_leave (cf_budget_t *self, cf_job_t *job)
{
    cf_account_t *account = job->account;
    if (job->holds)
        s_part (self, job);
    if (HASH_COUNT (self->parted) > CF_BUDGET_PARTED)
        s_forget_parted (self, self->parted);           /* the oldest */
    if (!account)
        return;
    DL_DELETE2 (account->jobs, job, account_prev, account_next);
    job->account = NULL;
    if (account->state == UNREAD)
        account->counted -= job->counted;       /* the ledger has it, and will be read */
    else if (account->state == READING)
        account->left += job->counted;
    s_let_go (self, account);
}

/* ---- reading ---- */

/*  Jobs on the desk, as an array of PostgreSQL: the ledger is behind with them. Yours to free. */
static char *
s_open_jobs (const cf_account_t *account)
{
    cf_buf_t ids;
    cf_buf_init (&ids, (account->users + 1) * CF_UUID_SIZE + 3);
    cf_buf_putc (&ids, '{');
    for (const cf_job_t *job = account->jobs; job; job = job->account_next)
        cf_buf_printf (&ids, "%s%s", job == account->jobs? "": ",", job->id);
    cf_buf_putc (&ids, '}');
    return cf_buf_take (&ids);
}

static int
s_read (cf_account_t *account, cf_task_t *task, cf_db_t *db, const char *user, uint64_t day, cf_error_t *error)
{
    uint64_t spent = 0;
    char *open = s_open_jobs (account);
    account->state = READING;
    account->left = 0;
    int rc = cf_usage_spent (db, task, user, day, open, &spent, error);
    account->state = rc? UNREAD: READ;
    if (rc)
        account->counted -= account->left;
    else
        account->counted += spent;
    free (open);
    return rc;
}

int
cf_budget_read (cf_budget_t *self, cf_task_t *task, cf_db_t *db, const cf_job_t *job, cf_error_t *error)
{
    cf_account_t *account = job->account;
    if (!account || account->state == READ)
        return 0;
    char user [CF_UUID_SIZE];
    uint64_t day = s_day (job);
    memcpy (user, job->user, sizeof user);
    int rc = 0;
    account->users++;
    while (rc == 0 && account->state != READ)
        rc = account->state == UNREAD? s_read (account, task, db, user, day, error): cf_task_sleep (task, CF_BUDGET_AGAIN_MS, error);
    s_let_go (self, account);
    return rc;
}

/* ---- holding ---- */

/*  The text is the job's error, for its owner. */
static int
s_refuse (const char *whose, uint64_t limit, uint64_t counted, uint64_t most, cf_error_t *error)
{
    char budget [32], spent [32], wanted [32];
    cf_metric_add (CF_METRIC_jobs_budget_refusals_total, 1);
    return cf_error_set (error, CF_ERROR_BUDGET_EXCEEDED, "BUDGET_EXCEEDED: The budget of %s for %s does not cover the next model call: %s is"
                         " spent or reserved, and it may cost %s.", s_dollars (limit, budget), whose, s_dollars (counted, spent),
                         s_dollars (most, wanted));
}

int
cf_budget_hold (cf_budget_t *self, cf_job_t *job, const char *id, const char *step, uint64_t most, uint64_t lost, cf_error_t *error)
{
    if (most > CF_BUDGET_MOST || lost > CF_BUDGET_MOST || !*id)
        return cf_error_set (error, CF_ERROR_INVALID, "no amount to reserve");
    cf_hold_t *hold = s_find (job->holds, id);
    uint64_t own = hold? hold->most + hold->lost: 0;
    uint64_t of_job = job->counted - own + lost, of_day = job->account? job->account->counted - own + lost: 0;
    int rc = 0;
    if (self->per_job && of_job + most > self->per_job)
        rc = s_refuse ("one job", self->per_job, of_job, most, error);
    else if (job->account && of_day + most > self->per_day)
        rc = s_refuse ("one day", self->per_day, of_day, most, error);
    else if (!hold && !(hold = s_add (job, id, step)))
        return cf_error_set (error, CF_ERROR_BUSY, "too many calls of one job at once");
    if (rc) {
        job->lost += lost;
        if (hold)
            s_drop (&job->holds, hold);
    }
    else {
        hold->most = most;
        hold->lost = lost;
    }
    cf_budget_recount (job);
    return rc;
}

bool
cf_budget_settle (cf_job_t *job, const char *id, double cost_usd, uint64_t lost)
{
    cf_hold_t *hold = s_find (job->holds, id);
    char most [32];
    if (!hold)
        return false;
    if (cost_usd * 1e6 > (double) hold->most + 0.5)
        cf_log_warning ("step %s cost $%.6f, more than the %s that was held for it", hold->step, cost_usd, s_dollars (hold->most, most));
    if (lost < hold->lost || lost > CF_BUDGET_MOST)
        lost = hold->lost;
    job->lost += lost;
    s_drop (&job->holds, hold);
    cf_budget_recount (job);
    return true;
}

bool
cf_budget_settle_parted (cf_budget_t *self, const char *job, const char *id, uint64_t lost, uint64_t *total)
{
    parted_t *parted;
    HASH_FIND_STR (self->parted, job, parted);
    cf_hold_t *hold = parted? s_find (parted->holds, id): NULL;
    if (!hold)
        return false;
    uint64_t assumed = hold->most + hold->lost, less = lost < assumed? assumed - lost: 0;
    cf_account_t *account = s_account (self, parted->key);
    if (account && account->state == READ)
        account->counted -= less;
    *total = parted->lost -= less;
    s_drop (&parted->holds, hold);
    if (!parted->holds)
        s_forget_parted (self, parted);
    return less > 0;
}

/* ---- life ---- */

cf_budget_t *
cf_budget_new (void)
{
    cf_budget_t *self = calloc (1, sizeof *self);
    if (self)
        *self = (cf_budget_t) {
            .per_job = cf_config_usd (CF_CONFIG_MAX_JOB_COST_USD), .per_day = cf_config_usd (CF_CONFIG_MAX_USER_COST_USD_PER_DAY)
        };
    return self;
}

void
cf_budget_destroy (cf_budget_t **self_p)
{
    cf_budget_t *self = *self_p;
    if (!self)
        return;
    cf_account_t *account, *next;
    HASH_ITER (hh, self->accounts, account, next)
        s_forget (self, account);
    parted_t *parted, *other;
    HASH_ITER (hh, self->parted, parted, other)
        s_forget_parted (self, parted);
    free (self);
    *self_p = NULL;
}
