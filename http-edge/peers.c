/* SPDX-License-Identifier: MPL-2.0 */
/*  peers - the ready processes by name, one hash; a new broker's epoch empties it, and every peer reports there again */

#include "http-edge/peers.h"
#include "actors/lib/event.h"
#include "proto/base/clock.h"
#include "proto/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_PEERS_MAX 4096               /* processes remembered */
#define CF_PEERS_PROVIDERS 16
#define CF_PEERS_PULSE_MS 1000
#define CF_PEERS_DEGRADED_MS 3000       /* the broker's silence until it counts as slow … */
#define CF_PEERS_DOWN_MS 6000           /* … and as down */

typedef struct {
    UT_hash_handle hh;
    char name [CF_ENVELOPE_NAME_SIZE];  /* service.instance.pid */
} peer_t;

typedef struct {
    char name [64];
    char state [16];
} provider_t;

static struct {
    cf_loop_t *loop;
    cf_subscription_t *subscriptions [5];
    peer_t *peers;
    unsigned ready [CF_ACTOR_COUNT];
    provider_t providers [CF_PEERS_PROVIDERS];
    size_t provider_count;
    bool database_up;
    uint64_t epoch, jobs_epoch;
    uint64_t pulse_ms;                  /* when the broker last brought our own event; 0: never */
    cf_peers_state_t broker;
    cf_timer_t pulse;
    uint64_t version;
    cf_loop_fn *lost_fn, *known_fn;
    void *lost_arg, *known_arg;
} s_self;

/* ---- processes ---- */

static void
s_count (const char *name, int by)
{
    char service [CF_ENVELOPE_NAME_SIZE];
    cf_envelope_service (name, service);
    const cf_actor_row_t *row = cf_message_actor_named (service);
    if (row)
        s_self.ready [row - cf_message_actor (0)] += (unsigned) by;
    s_self.version++;
}

static void
s_forget (peer_t *peer)
{
    HASH_DEL (s_self.peers, peer);
    s_count (peer->name, -1);
    free (peer);
}

static void
s_on_peer (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) fields;
    const char *name = envelope->to + strlen ("state.peer.");
    peer_t *peer;
    HASH_FIND_STR (s_self.peers, name, peer);
    if (envelope->number != 1) {
        if (peer)
            s_forget (peer);
        return;
    }
    if (peer || HASH_COUNT (s_self.peers) >= CF_PEERS_MAX || !(peer = calloc (1, sizeof *peer)))
        return;
    snprintf (peer->name, sizeof peer->name, "%s", name);
    HASH_ADD_STR (s_self.peers, name, peer);
    s_count (name, 1);
}

static void
s_forget_all (void)
{
    peer_t *peer, *next;
    HASH_ITER (hh, s_self.peers, peer, next)
        s_forget (peer);
}

/* ---- the rest of state.* ---- */

static void
s_on_breaker (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    const cf_breaker_state_t *said = fields;
    if (envelope->message != CF_BREAKER_STATE)
        return;
    size_t at = 0;
    while (at < s_self.provider_count && strcmp (s_self.providers [at].name, said->provider) != 0)
        at++;
    if (at == CF_PEERS_PROVIDERS)
        return;
    if (at == s_self.provider_count)
        s_self.provider_count++;
    snprintf (s_self.providers [at].name, sizeof s_self.providers [at].name, "%s", said->provider);
    snprintf (s_self.providers [at].state, sizeof s_self.providers [at].state, "%s", said->state);
    s_self.version++;
}

static void
s_on_database (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) fields;
    s_self.database_up = envelope->number == 1;
    s_self.version++;
}

static void
s_lost (void)
{
    if (s_self.lost_fn)
        s_self.lost_fn (s_self.lost_arg);
}

static void
s_on_jobs (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    const cf_jobs_started_t *started = fields;
    if (envelope->message != CF_JOBS_STARTED || started->epoch == s_self.jobs_epoch)
        return;
    bool again = s_self.jobs_epoch != 0;
    s_self.jobs_epoch = started->epoch;
    if (again)
        s_lost ();              /* what it committed and did not publish before it died */
}

/* ---- the broker ---- */

static void
s_judge_broker (void)
{
    uint64_t silent_ms = s_self.pulse_ms? cf_clock_ms () - s_self.pulse_ms: CF_PEERS_DOWN_MS;
    cf_peers_state_t state = silent_ms >= CF_PEERS_DOWN_MS? CF_PEERS_DOWN
        : silent_ms >= CF_PEERS_DEGRADED_MS? CF_PEERS_DEGRADED: CF_PEERS_OK;
    if (state != s_self.broker)
        s_self.version++;
    s_self.broker = state;
}

static void
s_on_echo (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) envelope;
    (void) fields;
    s_self.pulse_ms = cf_clock_ms ();
    s_judge_broker ();
    cf_loop_fn *fn = s_self.known_fn;
    s_self.known_fn = NULL;
    if (fn)
        fn (s_self.known_arg);
}

static void
s_topic (char topic [CF_ENVELOPE_NAME_SIZE])
{
    snprintf (topic, CF_ENVELOPE_NAME_SIZE, "edge.pulse.%.100s", cf_link_name (cf_link_here ()));
}

static void
s_on_pulse (void *arg)
{
    (void) arg;
    char topic [CF_ENVELOPE_NAME_SIZE];
    s_topic (topic);
    cf_event_publish (topic, "", CF_NONE, NULL, 0);
    s_judge_broker ();
    cf_timer_set (s_self.loop, &s_self.pulse, CF_PEERS_PULSE_MS, s_on_pulse, NULL);
}

static void
s_on_joined (void *arg)
{
    (void) arg;
    uint64_t epoch = cf_link_epoch (cf_link_here ());
    if (epoch != s_self.epoch)
        s_forget_all ();
    s_self.epoch = epoch;
    s_on_pulse (NULL);          /* after the subscriptions, which have been renewed before */
    s_lost ();
}

/* ---- life ---- */

void
cf_peers_init (cf_loop_t *loop)
{
    char topic [CF_ENVELOPE_NAME_SIZE];
    s_self.loop = loop;
    s_self.broker = CF_PEERS_DOWN;
    s_topic (topic);
    s_self.subscriptions [0] = cf_event_subscribe ("state.peer.*", s_on_peer, NULL);
    s_self.subscriptions [1] = cf_event_subscribe ("state.breaker.*", s_on_breaker, NULL);
    s_self.subscriptions [2] = cf_event_subscribe ("state.database", s_on_database, NULL);
    s_self.subscriptions [3] = cf_event_subscribe ("state.jobs", s_on_jobs, NULL);
    s_self.subscriptions [4] = cf_event_subscribe (topic, s_on_echo, NULL);
    cf_link_on_joined (cf_link_here (), s_on_joined, NULL);     /* is called after the one of the subscriptions */
}

void
cf_peers_free (void)
{
    for (size_t at = 0; at < sizeof s_self.subscriptions / sizeof s_self.subscriptions [0]; at++)
        cf_event_unsubscribe (&s_self.subscriptions [at]);
    cf_timer_clear (s_self.loop, &s_self.pulse);
    s_forget_all ();
}

unsigned
cf_peers_ready (const char *service)
{
    const cf_actor_row_t *row = cf_message_actor_named (service);
    return row? s_self.ready [row - cf_message_actor (0)]: 0;
}

bool
cf_peers_database_up (void)
{
    return s_self.database_up && cf_peers_ready ("jobs");
}

cf_peers_state_t
cf_peers_broker (void)
{
    return s_self.broker;
}

const char *
cf_peers_breaker (const char *provider)
{
    for (size_t at = 0; at < s_self.provider_count; at++)
        if (strcmp (s_self.providers [at].name, provider) == 0)
            return s_self.providers [at].state;
    return NULL;
}

uint64_t
cf_peers_version (void)
{
    return s_self.version;
}

void
cf_peers_on_lost (cf_loop_fn *fn, void *arg)
{
    s_self.lost_fn = fn;
    s_self.lost_arg = arg;
}

void
cf_peers_on_known (cf_loop_fn *fn, void *arg)
{
    s_self.known_fn = fn;
    s_self.known_arg = arg;
}
