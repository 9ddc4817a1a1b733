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

#define CF_CIRCUIT_FAILURES 5           /* in a row, that open it */
#define CF_CIRCUIT_PROBES 2             /* that must be good to close it */

typedef enum { CF_CIRCUIT_CLOSED, CF_CIRCUIT_OPEN, CF_CIRCUIT_HALF_OPEN, CF_CIRCUIT_STATES } cf_circuit_state_t;

typedef enum {
    CF_CIRCUIT_ASKED,                   /* may a call be made? */
    CF_CIRCUIT_GOOD,                    /* a call ended well */
    CF_CIRCUIT_BAD,                     /* a call failed */
    CF_CIRCUIT_WAITED,                  /* the wait since the present state began is over */
    CF_CIRCUIT_RESET,                   /* somebody who knows better says that all is well */
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
    CF_CIRCUIT_CLOSE,                   /* closed */
    CF_CIRCUIT_KEEP                     /* nothing changes */
} cf_circuit_action_t;

typedef struct {
    cf_circuit_state_t state;
    uint32_t failures;                  /* in a row */
    uint32_t probes;                    /* let through since half open */
    uint32_t good;                      /* of them, ended well */
} cf_circuit_t;

/*  What an event does in a state. */
cf_circuit_action_t cf_circuit_action (cf_circuit_state_t state, cf_circuit_event_t event);
/*  Takes one event. For CF_CIRCUIT_ASKED: whether the call may be made; else false. */
bool cf_circuit_take (cf_circuit_t *self, cf_circuit_event_t event);
/*  Puts it into a state as if it had just come there; failures are kept, but for CLOSED. */
void cf_circuit_enter (cf_circuit_t *self, cf_circuit_state_t state);

/*  "closed", "open", "half_open", and back (CF_CIRCUIT_STATES for any other text). Static storage. */
const char *cf_circuit_name (cf_circuit_state_t state);
cf_circuit_state_t cf_circuit_named (const char *name);

#endif
