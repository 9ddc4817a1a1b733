/* SPDX-License-Identifier: MPL-2.0 */
/*  circuit - the table, and what its cells do */

#include "actors/providers/circuit.h"

#include <string.h>

/*  In OPEN, what is still reported belongs to calls made before it opened. */
cf_circuit_action_t
cf_circuit_action (cf_circuit_state_t state, cf_circuit_event_t event)
{
    static const cf_circuit_action_t cells [CF_CIRCUIT_STATES] [CF_CIRCUIT_EVENTS] = {
        [CF_CIRCUIT_CLOSED] = {
            [CF_CIRCUIT_ASKED]  = CF_CIRCUIT_LET,
            [CF_CIRCUIT_GOOD]   = CF_CIRCUIT_FORGET,
            [CF_CIRCUIT_BAD]    = CF_CIRCUIT_COUNT,
            [CF_CIRCUIT_WAITED] = CF_CIRCUIT_KEEP,
            [CF_CIRCUIT_RESET]  = CF_CIRCUIT_FORGET,
        },
        [CF_CIRCUIT_OPEN] = {
            [CF_CIRCUIT_ASKED]  = CF_CIRCUIT_REFUSE,
            [CF_CIRCUIT_GOOD]   = CF_CIRCUIT_KEEP,
            [CF_CIRCUIT_BAD]    = CF_CIRCUIT_KEEP,
            [CF_CIRCUIT_WAITED] = CF_CIRCUIT_PROBE,
            [CF_CIRCUIT_RESET]  = CF_CIRCUIT_CLOSE,
        },
        [CF_CIRCUIT_HALF_OPEN] = {
            [CF_CIRCUIT_ASKED]  = CF_CIRCUIT_LET_PROBE,
            [CF_CIRCUIT_GOOD]   = CF_CIRCUIT_COUNT_PROBE,
            [CF_CIRCUIT_BAD]    = CF_CIRCUIT_TRIP,
            [CF_CIRCUIT_WAITED] = CF_CIRCUIT_PROBE,
            [CF_CIRCUIT_RESET]  = CF_CIRCUIT_CLOSE,
        },
    };
    return cells [state] [event];
}

void
cf_circuit_enter (cf_circuit_t *self, cf_circuit_state_t state)
{
    self->state = state;
    self->probes = self->good = 0;
    if (state == CF_CIRCUIT_CLOSED)
        self->failures = 0;
}

bool
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
        case CF_CIRCUIT_CLOSE:
            cf_circuit_enter (self, CF_CIRCUIT_CLOSED);
            break;
        case CF_CIRCUIT_REFUSE:
        case CF_CIRCUIT_KEEP:
            break;
    }
    return false;
}

static const char *const s_names [CF_CIRCUIT_STATES] = {
    [CF_CIRCUIT_CLOSED] = "closed", [CF_CIRCUIT_OPEN] = "open", [CF_CIRCUIT_HALF_OPEN] = "half_open"
};

const char *
cf_circuit_name (cf_circuit_state_t state)
{
    return s_names [state];
}

cf_circuit_state_t
cf_circuit_named (const char *name)
{
    cf_circuit_state_t state = CF_CIRCUIT_CLOSED;
    while (state < CF_CIRCUIT_STATES && strcmp (s_names [state], name) != 0)
        state++;
    return state;
}
