/* SPDX-License-Identifier: MPL-2.0 */
/*  circuit - one provider's circuit breaker, as a table of state x event; knows no clock and no bus
 *
 *      CLOSED     calls go through; five failures in a row open it
 *      OPEN       no call goes through; when the wait is over it is half open
 *      HALF_OPEN  two calls go through as probes: both good closes it, a bad one opens it again; probes that were
 *                 never heard of are replaced by two new ones after another wait
 *
 *  Rejected: a share of failures within a window instead of a count in a row. A provider that fails is asked
 *  thousands of times a second or twice a minute; only the count in a row means the same in both.
 */
#ifndef CF_PROVIDERS_CIRCUIT_H
#define CF_PROVIDERS_CIRCUIT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CF_CIRCUIT_FAILURES 5           /* in a row, that open it */
#define CF_CIRCUIT_PROBES 2             /* that must be good to close it */

typedef enum { CF_CIRCUIT_CLOSED, CF_CIRCUIT_OPEN, CF_CIRCUIT_HALF_OPEN, CF_CIRCUIT_STATES } cf_circuit_state_t;

typedef enum {
    CF_CIRCUIT_ASKED,                   /* may a call be made? */
    CF_CIRCUIT_GOOD,                    /* a call ended well */
    CF_CIRCUIT_BAD,                     /* a call failed */
    CF_CIRCUIT_WAITED,                  /* the wait since the present state began is over */
    CF_CIRCUIT_EVENTS
} cf_circuit_event_t;

typedef enum {
    CF_CIRCUIT_LET,                     /* the call may be made */
    CF_CIRCUIT_REFUSE,                  /* it may not */
    CF_CIRCUIT_LET_PROBE,               /* it may, unless the probes are all out */
    CF_CIRCUIT_FORGET,                  /* the failures so far count no more */
    CF_CIRCUIT_COUNT,                   /* one more failure; open at the last */
    CF_CIRCUIT_COUNT_PROBE,             /* one more good probe; close at the last */
    CF_CIRCUIT_TRIP,                    /* open */
    CF_CIRCUIT_PROBE,                   /* half open, with all probes to give */
    CF_CIRCUIT_KEEP                     /* nothing changes */
} cf_circuit_action_t;

typedef struct {
    cf_circuit_state_t state;
    uint32_t failures;                  /* in a row */
    uint32_t probes;                    /* let through since half open */
    uint32_t good;                      /* of them, ended well */
} cf_circuit_t;

/*  What an event does in a state. In OPEN, what is still reported belongs to calls made before it opened. */
static inline cf_circuit_action_t
cf_circuit_action (cf_circuit_state_t state, cf_circuit_event_t event)
{
    static const cf_circuit_action_t cells [CF_CIRCUIT_STATES] [CF_CIRCUIT_EVENTS] = {
        [CF_CIRCUIT_CLOSED] = {
            [CF_CIRCUIT_ASKED]  = CF_CIRCUIT_LET,
            [CF_CIRCUIT_GOOD]   = CF_CIRCUIT_FORGET,
            [CF_CIRCUIT_BAD]    = CF_CIRCUIT_COUNT,
            [CF_CIRCUIT_WAITED] = CF_CIRCUIT_KEEP,
        },
        [CF_CIRCUIT_OPEN] = {
            [CF_CIRCUIT_ASKED]  = CF_CIRCUIT_REFUSE,
            [CF_CIRCUIT_GOOD]   = CF_CIRCUIT_KEEP,
            [CF_CIRCUIT_BAD]    = CF_CIRCUIT_KEEP,
            [CF_CIRCUIT_WAITED] = CF_CIRCUIT_PROBE,
        },
        [CF_CIRCUIT_HALF_OPEN] = {
            [CF_CIRCUIT_ASKED]  = CF_CIRCUIT_LET_PROBE,
            [CF_CIRCUIT_GOOD]   = CF_CIRCUIT_COUNT_PROBE,
            [CF_CIRCUIT_BAD]    = CF_CIRCUIT_TRIP,
            [CF_CIRCUIT_WAITED] = CF_CIRCUIT_PROBE,
        },
    };
    return cells [state] [event];
}

static inline void
cf_circuit_enter (cf_circuit_t *self, cf_circuit_state_t state)
{
    self->state = state;
    self->probes = self->good = 0;
    if (state == CF_CIRCUIT_CLOSED)
        self->failures = 0;
}

/*  Takes one event. For CF_CIRCUIT_ASKED: whether the call may be made; else false. */
static inline bool
cf_circuit_take (cf_circuit_t *self, cf_circuit_event_t event)
{
    switch (cf_circuit_action (self->state, event)) {
        case CF_CIRCUIT_LET:
            return true;
        case CF_CIRCUIT_LET_PROBE:
            if (self->probes == CF_CIRCUIT_PROBES)
                return false;
            self->probes++;
            return true;
        case CF_CIRCUIT_FORGET:
            self->failures = 0;
            break;
        case CF_CIRCUIT_COUNT:
            if (++self->failures >= CF_CIRCUIT_FAILURES)
                cf_circuit_enter (self, CF_CIRCUIT_OPEN);
            break;
        case CF_CIRCUIT_COUNT_PROBE:
            if (++self->good == CF_CIRCUIT_PROBES)
                cf_circuit_enter (self, CF_CIRCUIT_CLOSED);
            break;
        case CF_CIRCUIT_TRIP:
            self->failures++;
            cf_circuit_enter (self, CF_CIRCUIT_OPEN);
            break;
        case CF_CIRCUIT_PROBE:
            cf_circuit_enter (self, CF_CIRCUIT_HALF_OPEN);
            break;
        case CF_CIRCUIT_REFUSE:
        case CF_CIRCUIT_KEEP:
            break;
    }
    return false;
}

/*  "closed", "open", "half_open", and back (CF_CIRCUIT_STATES for any other text). */
static inline const char *
cf_circuit_name (cf_circuit_state_t state)
{
    return state == CF_CIRCUIT_CLOSED? "closed": state == CF_CIRCUIT_OPEN? "open": "half_open";
}

static inline cf_circuit_state_t
cf_circuit_named (const char *name)
{
    cf_circuit_state_t state = CF_CIRCUIT_CLOSED;
    while (state < CF_CIRCUIT_STATES && strcmp (cf_circuit_name (state), name) != 0)
        state++;
    return state;
}

#endif
