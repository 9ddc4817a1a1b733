/* SPDX-License-Identifier: MPL-2.0 */
/*  circuit - every cell of its table, then the life of one */

#include "actors/providers/circuit.h"
#include "tests/support/unit.h"

static cf_circuit_t
s_circuit (cf_circuit_state_t state, uint32_t failures, uint32_t probes, uint32_t good)
{
    return (cf_circuit_t) { state, failures, probes, good };
}

/*  Gives before an event; it must answer allowed and become after. */
static void
s_check (cf_circuit_t before, cf_circuit_event_t event, bool allowed, cf_circuit_t after)
{
    ck_assert_int_eq (cf_circuit_take (&before, event), allowed);
    ck_assert_int_eq (before.state, after.state);
    ck_assert_uint_eq (before.failures, after.failures);
    ck_assert_uint_eq (before.probes, after.probes);
    ck_assert_uint_eq (before.good, after.good);
}

START_TEST (closed_lets_calls_through_and_counts_failures)
{
    const cf_circuit_state_t closed = CF_CIRCUIT_CLOSED;
    s_check (s_circuit (closed, 0, 0, 0), CF_CIRCUIT_ASKED, true, s_circuit (closed, 0, 0, 0));
    s_check (s_circuit (closed, 4, 0, 0), CF_CIRCUIT_ASKED, true, s_circuit (closed, 4, 0, 0));
    s_check (s_circuit (closed, 4, 0, 0), CF_CIRCUIT_GOOD, false, s_circuit (closed, 0, 0, 0));
    s_check (s_circuit (closed, 0, 0, 0), CF_CIRCUIT_BAD, false, s_circuit (closed, 1, 0, 0));
    s_check (s_circuit (closed, 4, 0, 0), CF_CIRCUIT_BAD, false, s_circuit (CF_CIRCUIT_OPEN, 5, 0, 0));
    s_check (s_circuit (closed, 2, 0, 0), CF_CIRCUIT_WAITED, false, s_circuit (closed, 2, 0, 0));
}
END_TEST

START_TEST (open_refuses_until_the_wait_is_over)
{
    const cf_circuit_state_t open = CF_CIRCUIT_OPEN;
    s_check (s_circuit (open, 5, 0, 0), CF_CIRCUIT_ASKED, false, s_circuit (open, 5, 0, 0));
    s_check (s_circuit (open, 5, 0, 0), CF_CIRCUIT_GOOD, false, s_circuit (open, 5, 0, 0));
    s_check (s_circuit (open, 5, 0, 0), CF_CIRCUIT_BAD, false, s_circuit (open, 5, 0, 0));
    s_check (s_circuit (open, 5, 0, 0), CF_CIRCUIT_WAITED, false, s_circuit (CF_CIRCUIT_HALF_OPEN, 5, 0, 0));
}
END_TEST

START_TEST (half_open_lets_two_probes_through)
{
    const cf_circuit_state_t half = CF_CIRCUIT_HALF_OPEN;
    s_check (s_circuit (half, 5, 0, 0), CF_CIRCUIT_ASKED, true, s_circuit (half, 5, 1, 0));
    s_check (s_circuit (half, 5, 1, 0), CF_CIRCUIT_ASKED, true, s_circuit (half, 5, 2, 0));
    s_check (s_circuit (half, 5, 2, 0), CF_CIRCUIT_ASKED, false, s_circuit (half, 5, 2, 0));
    s_check (s_circuit (half, 5, 2, 0), CF_CIRCUIT_GOOD, false, s_circuit (half, 5, 2, 1));
    s_check (s_circuit (half, 5, 2, 1), CF_CIRCUIT_GOOD, false, s_circuit (CF_CIRCUIT_CLOSED, 0, 0, 0));
    s_check (s_circuit (half, 5, 2, 1), CF_CIRCUIT_BAD, false, s_circuit (CF_CIRCUIT_OPEN, 6, 0, 0));
    s_check (s_circuit (half, 5, 1, 0), CF_CIRCUIT_BAD, false, s_circuit (CF_CIRCUIT_OPEN, 6, 0, 0));
    s_check (s_circuit (half, 5, 2, 1), CF_CIRCUIT_WAITED, false, s_circuit (half, 5, 0, 0));
}
END_TEST

START_TEST (a_reset_closes_it_whatever_it_was)
{
    const cf_circuit_t closed = s_circuit (CF_CIRCUIT_CLOSED, 0, 0, 0);
    s_check (s_circuit (CF_CIRCUIT_CLOSED, 4, 0, 0), CF_CIRCUIT_RESET, false, closed);
    s_check (s_circuit (CF_CIRCUIT_OPEN, 5, 0, 0), CF_CIRCUIT_RESET, false, closed);
    s_check (s_circuit (CF_CIRCUIT_HALF_OPEN, 5, 2, 1), CF_CIRCUIT_RESET, false, closed);
}
END_TEST

START_TEST (opens_only_on_failures_in_a_row_and_heals)
{
    cf_circuit_t circuit = { .state = CF_CIRCUIT_CLOSED };
    for (int round = 0; round < 10; round++) {
        for (int count = 1; count < CF_CIRCUIT_FAILURES; count++)
            cf_circuit_take (&circuit, CF_CIRCUIT_BAD);
        ck_assert_int_eq (circuit.state, CF_CIRCUIT_CLOSED);
        cf_circuit_take (&circuit, CF_CIRCUIT_GOOD);
    }
    for (int count = 0; count < CF_CIRCUIT_FAILURES; count++)
        cf_circuit_take (&circuit, CF_CIRCUIT_BAD);
    ck_assert_int_eq (circuit.state, CF_CIRCUIT_OPEN);
    cf_circuit_take (&circuit, CF_CIRCUIT_WAITED);
    int allowed = 0;
    for (int count = 0; count < 100; count++)
        allowed += cf_circuit_take (&circuit, CF_CIRCUIT_ASKED);
    ck_assert_int_eq (allowed, CF_CIRCUIT_PROBES);
    cf_circuit_take (&circuit, CF_CIRCUIT_GOOD);
    cf_circuit_take (&circuit, CF_CIRCUIT_GOOD);
    ck_assert_int_eq (circuit.state, CF_CIRCUIT_CLOSED);
    ck_assert_uint_eq (circuit.failures, 0);
}
END_TEST

START_TEST (a_probe_that_was_never_heard_of_is_replaced)
{
    cf_circuit_t circuit = s_circuit (CF_CIRCUIT_HALF_OPEN, 5, 2, 0);
    ck_assert (!cf_circuit_take (&circuit, CF_CIRCUIT_ASKED));
    cf_circuit_take (&circuit, CF_CIRCUIT_WAITED);
    ck_assert (cf_circuit_take (&circuit, CF_CIRCUIT_ASKED));
}
END_TEST

START_TEST (names_go_both_ways)
{
    for (cf_circuit_state_t state = CF_CIRCUIT_CLOSED; state < CF_CIRCUIT_STATES; state++)
        ck_assert_int_eq (cf_circuit_named (cf_circuit_name (state)), state);
    ck_assert_int_eq (cf_circuit_named ("ajar"), CF_CIRCUIT_STATES);
}
END_TEST

UNIT_MAIN ("circuit", closed_lets_calls_through_and_counts_failures, open_refuses_until_the_wait_is_over,
           half_open_lets_two_probes_through, a_reset_closes_it_whatever_it_was, opens_only_on_failures_in_a_row_and_heals,
           a_probe_that_was_never_heard_of_is_replaced, names_go_both_ways)
