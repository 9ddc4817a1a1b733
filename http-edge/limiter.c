/* SPDX-License-Identifier: MPL-2.0 */
/*  limiter - GCRA (ITU-T I.371), which is a token bucket with one number for its state: the time at which it will be full
 *
 *  A bucket is one 64-bit word: 24 bits of the client's hash and 40 bits of that time in microseconds, modulo 2^40 (12.7
 *  days). The hash (SipHash-2-4, Aumasson and Bernstein 2012) is keyed by the table, so that nobody can choose whose bucket
 *  he shares; 16 further bits of it choose a set of eight words, one cache line. Two clients share a bucket with a
 *  probability of 2^-40.
 *
 *  Two processes that meet a new client at once must not give it two buckets. Both choose the place that has been full for longest,
 *  the first one where several have; a place's time only grows; so when the second one's swap succeeds, the place it
 *  chose is still the one, and the first one had chosen it, too: then it is not unchanged, and the swap fails. (Only where
 *  eight clients of a set are all active and a ninth comes does a time shrink.) A lock would have to be taken from processes
 *  that are stopped while they hold it.
 */

#include "http-edge/limiter.h"
#include "proto/base/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C (0x3174696d696c6663)     /* "cflimit1" */
#define SETS 65536u
#define PLACES 8u
#define TIME_BITS 40u
#define TIME_MASK ((UINT64_C (1) << TIME_BITS) - 1)
#define MINUTE_US UINT64_C (60000000)
#define ATTEMPTS 64             /* of a swap; each one lost is another process's success */

typedef struct {
    uint64_t magic;
    uint64_t key [2];           /* of the hash */
    uint64_t unused [5];
} head_t;

typedef struct {
    head_t head;
    _Atomic uint64_t words [SETS] [PLACES];
} table_t;

struct cf_limiter_t {
    table_t *table;
    uint64_t interval_us;       /* in which one token comes back */
    uint32_t per_minute;
};

_Static_assert (sizeof (head_t) == 64, "the head is one cache line");
_Static_assert (sizeof (_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "other processes see no locks of ours");

/* ---- the table ---- */

/*  Makes the whole table under another name first: nobody sees half of it, and of two makers one wins. */
static int
s_make (const char *path)
{
    char fresh [4096];
    head_t head = { .magic = MAGIC };
    snprintf (fresh, sizeof fresh, "%s", path);
    char *slash = strrchr (fresh, '/');
    if (slash) {
        *slash = 0;
        mkdir (fresh, 0700);    /* the broker's folder, too, whoever comes first */
    }
    snprintf (fresh, sizeof fresh, "%s.%ld", path, (long) getpid ());
    cf_uuid_random (head.key, sizeof head.key);
    unlink (fresh);             /* of an edge that was killed here; it may be the table's other name, so it is not written to */
    int fd = open (fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    /* with its blocks: writing to a mapped hole of a full disk would be a SIGBUS */
    bool good = fd >= 0 && posix_fallocate (fd, 0, sizeof (table_t)) == 0
        && pwrite (fd, &head, sizeof head, 0) == (ssize_t) sizeof head
        && (link (fresh, path) == 0 || errno == EEXIST);
    int saved = errno;
    if (fd >= 0) {
        close (fd);
        unlink (fresh);
    }
    errno = saved;
    return good? 0: -1;
}

/*  NULL with errno; EINVAL where the file is no table. */
static table_t *
s_map (const char *path)
{
    struct stat status;
    int fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    void *at = MAP_FAILED;
    if (fstat (fd, &status) || status.st_size != (off_t) sizeof (table_t))
        errno = EINVAL;
    else
        at = mmap (NULL, sizeof (table_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close (fd);
    table_t *table = at == MAP_FAILED? NULL: at;
    if (table && table->head.magic != MAGIC) {
        munmap (table, sizeof *table);
        table = NULL;
        errno = EINVAL;
    }
    return table;
}

cf_limiter_t *
cf_limiter_new (const char *path, uint32_t per_minute, cf_error_t *error)
{
    cf_limiter_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    self->table = s_map (path);
    if (!self->table && errno == EINVAL)
        unlink (path);
    if (!self->table && s_make (path) == 0)
        self->table = s_map (path);
    if (!self->table) {
        cf_error_set (error, CF_ERROR_INTERNAL, "%s: %s", path, strerror (errno));
        cf_limiter_destroy (&self);
        return NULL;
    }
    self->per_minute = per_minute;
    self->interval_us = MINUTE_US / per_minute;
    return self;
}

void
cf_limiter_destroy (cf_limiter_t **self_p)
{
    cf_limiter_t *self = *self_p;
    *self_p = NULL;
    if (self && self->table)
        munmap (self->table, sizeof *self->table);
    free (self);
}

/* ---- the hash ---- */

static uint64_t
s_rotate (uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

static void
s_round (uint64_t v [4])
{
    v [0] += v [1];
    v [2] += v [3];
    v [1] = s_rotate (v [1], 13) ^ v [0];
    v [3] = s_rotate (v [3], 16) ^ v [2];
    v [0] = s_rotate (v [0], 32);
    v [2] += v [1];
    v [0] += v [3];
    v [1] = s_rotate (v [1], 17) ^ v [2];
    v [3] = s_rotate (v [3], 21) ^ v [0];
    v [2] = s_rotate (v [2], 32);
}

static void
s_absorb (uint64_t v [4], uint64_t word)
{
    v [3] ^= word;
    s_round (v);
    s_round (v);
    v [0] ^= word;
}

static uint64_t
s_hash (const uint64_t key [2], char kind, const uint8_t *bytes, size_t size)
{
    uint64_t v [4] = { key [0] ^ UINT64_C (0x736f6d6570736575), key [1] ^ UINT64_C (0x646f72616e646f6d),
                       key [0] ^ UINT64_C (0x6c7967656e657261), key [1] ^ UINT64_C (0x7465646279746573) };
    uint64_t word = (uint8_t) kind;
    unsigned filled = 1;
    for (size_t at = 0; at < size; at++) {
        word |= (uint64_t) bytes [at] << 8 * filled;
        if (++filled == 8) {
            s_absorb (v, word);
            word = filled = 0;
        }
    }
    s_absorb (v, word | (uint64_t) (size + 1) << 56);
    v [2] ^= 0xFF;
    for (int round = 0; round < 4; round++)
        s_round (v);
    return v [0] ^ v [1] ^ v [2] ^ v [3];
}

/* ---- buckets ---- */

/*  Microseconds until the bucket of a word is full. */
static uint64_t
s_debt_us (uint64_t word, uint64_t now_us)
{
    uint64_t debt_us = (word - now_us) & TIME_MASK;
    return word && debt_us <= MINUTE_US? debt_us: 0;    /* else that time is over, or from before the machine's start */
}

/*  How long it has been full; a place never used, for ever. */
static uint64_t
s_full_us (uint64_t word, uint64_t now_us)
{
    return !word? UINT64_MAX: s_debt_us (word, now_us)? 0: (now_us - word) & TIME_MASK;
}

/*  The client's place in its set, or the one it may take. */
static _Atomic uint64_t *
s_find (_Atomic uint64_t *set, uint64_t tag, uint64_t now_us, uint64_t *word)
{
    _Atomic uint64_t *best = NULL;
    uint64_t best_word = 0;
    for (unsigned at = 0; at < PLACES; at++) {
        uint64_t found = atomic_load_explicit (&set [at], memory_order_acquire);
        if (found && found >> TIME_BITS == tag) {
            *word = found;
            return &set [at];
        }
        uint64_t full_us = s_full_us (found, now_us), best_us = best? s_full_us (best_word, now_us): 0;
        if (!best || full_us > best_us || (!full_us && !best_us && s_debt_us (found, now_us) < s_debt_us (best_word, now_us))) {
            best = &set [at];
            best_word = found;
        }
    }
    *word = best_word;
    return best;
}

bool
cf_limiter_take (cf_limiter_t *self, char kind, const void *key, size_t size, uint64_t now_us, cf_limiter_state_t *state)
{
    uint64_t hash = s_hash (self->table->head.key, kind, key, size);
    uint64_t tag = hash >> TIME_BITS, word = 0, debt_us = 0;
    uint64_t whole_us = self->interval_us * self->per_minute;
    _Atomic uint64_t *set = self->table->words [hash & (SETS - 1)];
    bool taken = false;
    for (int attempt = 0; attempt < ATTEMPTS && !taken; attempt++) {
        _Atomic uint64_t *place = s_find (set, tag, now_us, &word);
        debt_us = word >> TIME_BITS == tag? s_debt_us (word, now_us): 0;
        if (debt_us + self->interval_us > whole_us)
            break;
        uint64_t next = tag << TIME_BITS | ((now_us + debt_us + self->interval_us) & TIME_MASK);
        taken = atomic_compare_exchange_strong_explicit (place, &word, next? next: 1, memory_order_acq_rel, memory_order_acquire);
    }
    uint64_t after_us = taken? debt_us + self->interval_us: debt_us;
    state->limit = self->per_minute;
    state->remaining = after_us < whole_us? (uint32_t) ((whole_us - after_us) / self->interval_us): 0;
    state->reset_s = (uint32_t) ((after_us + 999999) / 1000000);
    uint64_t wait_us = debt_us + self->interval_us > whole_us? debt_us + self->interval_us - whole_us: 1;
    state->retry_after_s = taken? 0: (uint32_t) ((wait_us + 999999) / 1000000);
    return taken;
}
