/* SPDX-License-Identifier: MPL-2.0 */
/*  registry - two hash tables, and a timer of silence in every peer */

#include "broker/registry.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define CF_REGISTRY_BEATS 3             /* that a peer may miss */

struct cf_registry {
    cf_timers_t *timers;                /* borrowed */
    uint32_t beat_ms;
    uint64_t forgiven_ms;
    cf_peer_t *peers;                   /* hash by name */
    cf_service_t *services;             /* hash by name */
    cf_peer_t *doomed;
};

static const char *const s_known [] = {
#define ACTOR(id_, name_, kind_, instances_, credit_, secrets_, caption_) #name_,
#include "proto/actors.def"
#undef ACTOR
};

cf_registry_t *
cf_registry_new (cf_timers_t *timers, uint32_t beat_ms)
{
    cf_registry_t *self = calloc (1, sizeof *self);
    if (self) {
        self->timers = timers;
        self->beat_ms = beat_ms;
    }
    return self;
}

static void
s_peer_destroy (cf_registry_t *self, cf_peer_t *peer)
{
    cf_timers_disarm (self->timers, &peer->silence);
    HASH_DEL (self->peers, peer);
    free (peer);
}

void
cf_registry_destroy (cf_registry_t **self_p)
{
    cf_registry_t *self = *self_p;
    if (!self)
        return;
    cf_peer_t *peer, *next_peer;
    HASH_ITER (hh, self->peers, peer, next_peer)
        s_peer_destroy (self, peer);
    cf_service_t *service, *next_service;
    HASH_ITER (hh, self->services, service, next_service) {
        HASH_DEL (self->services, service);
        free (service);
    }
    free (self);
    *self_p = NULL;
}

static uint64_t
s_silent_at (const cf_registry_t *self, const cf_peer_t *peer)
{
    uint64_t heard = peer->heard_ms > self->forgiven_ms? peer->heard_ms: self->forgiven_ms;
    return heard + CF_REGISTRY_BEATS * (uint64_t) self->beat_ms + 1;
}

/*  Signs of life do not move the timer (they come with every message); it looks for them when it fires. */
static void
s_on_silence (void *context, cf_timer_t *timer)
{
    cf_registry_t *self = context;
    cf_peer_t *peer = (cf_peer_t *) ((char *) timer - offsetof (cf_peer_t, silence));
    uint64_t silent_at = s_silent_at (self, peer);
    if (silent_at <= self->timers->now_ms || cf_timers_arm (self->timers, timer, silent_at))
        cf_registry_doom (self, peer);
}

static cf_peer_t *
s_peer_new (cf_registry_t *self, const char *name)
{
    if (HASH_COUNT (self->peers) >= CF_REGISTRY_MAX_PEERS)
        return NULL;
    cf_peer_t *peer = calloc (1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->name_size = strlen (name);
    assert (peer->name_size < sizeof peer->name);
    memcpy (peer->name, name, peer->name_size);
    peer->silence.fire = s_on_silence;
    peer->silence.context = self;
    HASH_ADD_STR (self->peers, name, peer);
    if (!peer->hh.tbl) {
        free (peer);
        return NULL;
    }
    return peer;
}

cf_peer_t *
cf_registry_lookup_any (cf_registry_t *self, const char *name)
{
    cf_peer_t *peer;
    HASH_FIND_STR (self->peers, name, peer);
    return peer;
}

cf_peer_t *
cf_registry_meet (cf_registry_t *self, const char *name)
{
    cf_peer_t *peer = cf_registry_lookup_any (self, name);
    if (peer && peer->state != CF_PEER_GONE)
        return peer;
    if (!peer)
        peer = s_peer_new (self, name);
    if (!peer)
        return NULL;
    peer->heard_ms = self->timers->now_ms;
    if (cf_timers_arm (self->timers, &peer->silence, s_silent_at (self, peer))) {
        cf_registry_release (self, peer);
        return NULL;
    }
    peer->state = CF_PEER_STRANGER;
    peer->welcomed_ms = 0;
    return peer;
}

cf_peer_t *
cf_registry_lookup (cf_registry_t *self, const char *name)
{
    cf_peer_t *peer = cf_registry_lookup_any (self, name);
    return peer && peer->state != CF_PEER_GONE? peer: NULL;
}

static void
s_leave_service (cf_registry_t *self, cf_peer_t *peer)
{
    cf_service_t *service = peer->service;
    if (!service)
        return;
    if (peer->state == CF_PEER_READY)
        service->ready--;
    DL_DELETE (service->peers, peer);
    peer->service = NULL;
    cf_registry_drop (self, service);
}

int
cf_registry_join (cf_registry_t *self, cf_peer_t *peer, const char *name, uint64_t credit)
{
    cf_service_t *service = cf_registry_need (self, name);
    if (!service)
        return -1;
    if (peer->service != service) {
        s_leave_service (self, peer);
        DL_APPEND (service->peers, peer);
        peer->service = service;
    } else if (peer->state == CF_PEER_READY)
        service->ready--;
    peer->state = CF_PEER_JOINED;
    peer->credit = credit < CF_REGISTRY_MAX_CREDIT? (uint32_t) credit: CF_REGISTRY_MAX_CREDIT;
    return 0;
}

void
cf_registry_ready (cf_registry_t *self, cf_peer_t *peer)
{
    (void) self;
    if (peer->state == CF_PEER_JOINED) {
        peer->state = CF_PEER_READY;
        peer->service->ready++;
    }
}

void
cf_registry_leave (cf_registry_t *self, cf_peer_t *peer)
{
    (void) self;
    if (peer->state == CF_PEER_READY)
        peer->service->ready--;
    peer->state = CF_PEER_LEAVING;
}

void
cf_registry_doom (cf_registry_t *self, cf_peer_t *peer)
{
    if (peer->doomed)
        return;
    peer->doomed = true;
    DL_APPEND2 (self->doomed, peer, doomed_prev, doomed_next);
}

cf_peer_t *
cf_registry_doomed (cf_registry_t *self)
{
    return self->doomed;
}

void
cf_registry_bury (cf_registry_t *self, cf_peer_t *peer)
{
    if (peer->doomed)
        DL_DELETE2 (self->doomed, peer, doomed_prev, doomed_next);
    peer->doomed = false;
    s_leave_service (self, peer);
    peer->state = CF_PEER_GONE;
    cf_timers_disarm (self->timers, &peer->silence);
}

void
cf_registry_release (cf_registry_t *self, cf_peer_t *peer)
{
    if (peer->state == CF_PEER_GONE && !peer->made && !peer->taken)
        s_peer_destroy (self, peer);
}

void
cf_registry_forgive (cf_registry_t *self)
{
    self->forgiven_ms = self->timers->now_ms;
}

cf_service_t *
cf_registry_service (cf_registry_t *self, const char *name)
{
    cf_service_t *service;
    HASH_FIND_STR (self->services, name, service);
    return service;
}

cf_service_t *
cf_registry_need (cf_registry_t *self, const char *name)
{
    cf_service_t *service = cf_registry_service (self, name);
    if (service)
        return service;
    service = calloc (1, sizeof *service);
    if (!service)
        return NULL;
    size_t size = strlen (name);
    assert (size < sizeof service->name);
    memcpy (service->name, name, size);
    service->direct = strchr (name, '.') != NULL;
    HASH_ADD_STR (self->services, name, service);
    if (!service->hh.tbl) {
        free (service);
        return NULL;
    }
    return service;
}

void
cf_registry_drop (cf_registry_t *self, cf_service_t *service)
{
    if (service->peers || service->queue.size)
        return;
    HASH_DEL (self->services, service);
    free (service);
}

bool
cf_registry_is_known (const char *service)
{
    for (size_t at = 0; at < sizeof s_known / sizeof s_known [0]; at++)
        if (strcmp (s_known [at], service) == 0)
            return true;
    return false;
}

/*  Printable, without blanks and stars: what goes into a topic, a log line and a terminal. */
static bool
s_is_plain (const char *text, size_t size)
{
    for (size_t at = 0; at < size; at++)
        if (text [at] <= ' ' || text [at] > '~' || text [at] == '*')
            return false;
    return size > 0;
}

bool
cf_registry_is_peer_name (const char *text, size_t size)
{
    return size < CF_PEER_NAME_SIZE && s_is_plain (text, size) && *text != '.' && memchr (text, '.', size);
}

bool
cf_registry_is_service_name (const char *text)
{
    size_t size = strlen (text);
    return size < CF_PEER_NAME_SIZE && s_is_plain (text, size) && !strchr (text, '.') && strcmp (text, "broker");
}

bool
cf_registry_is_topic (const char *text, bool star)
{
    size_t size = strlen (text);
    if (star && size && text [size - 1] == '*')
        return size == 1 || s_is_plain (text, size - 1);
    return s_is_plain (text, size);
}
