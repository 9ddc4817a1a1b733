/* SPDX-License-Identifier: MPL-2.0 */
/*  lease - who gets a job, and what becomes of it when its holder, the broker or the ledger dies; real processes, a real PostgreSQL
 *
 *  An agent writes down what it is told, in the file `told`: "run ATTEMPT PEER steps N", "stop ATTEMPT PEER".
 */

#include "actors/ledger/lease.h"
#include "tests/unit/actors/ledger/scene.h"

/* ---- agents ---- */

static void
s_on_run (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_run_t *run = fields;
    cf_json_t *journal = cf_json_parse (run->journal, strlen (run->journal), NULL);
    if (*world_read ("refuse")) {
        world_note ("refused", "%u", run->attempt);
        cf_fail_with (task, strstr (world_read ("refuse"), "ever")? CF_ERROR_INVALID: CF_ERROR_BUSY, "not that", "");
    }
    else {
        world_note ("told", "run %u %s steps %zu", run->attempt, cf_link_name (cf_link_here ()), json_array_size (journal));
        cf_reply (task, &(cf_job_taken_t) { 0 });
    }
    json_decref (journal);
}

static void
s_on_stop (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    world_note ("told", "stop %u %s", ((const cf_job_stop_t *) fields)->attempt, cf_link_name (cf_link_here ()));
    cf_reply (task, &(cf_job_taken_t) { 0 });
}

/*  Stands for TERM. */
static void
s_on_leave (cf_task_t *task, const void *fields, void *owner)
{
    (void) fields;
    (void) owner;
    cf_link_bye (cf_link_here ());
    cf_reply (task, &(cf_breaker_says_t) { .state = "" });
}

static void
s_play (cf_loop_t *loop)
{
    static const cf_handler_t handlers [] = { { CF_JOB_RUN, s_on_run }, { CF_JOB_STOP, s_on_stop }, { CF_BREAKER_ASK, s_on_leave } };
    world_serve (loop, handlers, 3);
}

WORLD_ROLES ({ "agent", s_play })

/* ---- the jobs actor's part ---- */

static cf_lease_t *s_lease;

static void
s_open (void)
{
    s_lease = cf_lease_new (world.loop, scene.desk, scene.ledger);
    cf_lease_open (s_lease);
}

static void
s_begin (void)
{
    scene_begin ();
    cf_link_ready (world.link, NULL, NULL);     /* so that the broker names us among the others */
    s_open ();
}

static void
s_end (void)
{
    cf_lease_close (s_lease);
    world_until (cf_task_count () == 0);
    cf_lease_destroy (&s_lease);
    scene_end ();
}

/*  A new instance of the jobs actor. */
static void
s_restart (void)
{
    world_until (cf_task_count () == 0);
    cf_lease_destroy (&s_lease);
    scene_reopen ();
    s_open ();
}

static cf_job_t *
s_queued (void)
{
    cf_job_t *job = scene_job ();
    cf_lease_queue (s_lease, job, false);
    return job;
}

static cf_job_t *
s_job (void)
{
    return cf_desk_first (scene.desk);
}

static const char *
s_line (const char *what, uint32_t attempt, size_t actor)
{
    static char lines [4] [200];
    static unsigned turn;
    char *line = lines [turn++ % 4];
    snprintf (line, sizeof lines [0], "%s %u %s", what, attempt, world.actors [actor].peer);
    return line;
}

static const char *
s_row (void)
{
    return cf_test_sql ("select status || ' ' || attempt || ' ' || deaths from public.agent_jobs");
}

START_TEST (a_job_is_handed_to_the_least_busy_and_is_in_the_ledger_before)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1), second = world_actor ("agent", "qa", 2);
    s_queued ();
    world_wrote ("told", "run 1");
    ck_assert_str_eq (s_row (), "running 1 0");
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    world_wrote ("told", s_line ("run", 1, second));
    cf_lease_queue (s_lease, s_job (), false);          /* a running job is not queued again */
    s_end ();
}
END_TEST

static void
s_on_peer (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) fields;
    *(bool *) arg |= strstr (envelope->to, ".qa.") && envelope->number == 1;
}

START_TEST (a_job_is_leased_while_it_is_accepted_and_handed_out_after_that)
{
    s_begin ();
    bool known = false;         /* the lease hears of it with the same event */
    cf_subscription_t *peers = cf_event_subscribe ("state.peer.*", s_on_peer, &known);
    size_t agent = world_actor ("agent", "qa", 1);
    world_until (known);
    cf_event_unsubscribe (&peers);
    cf_job_t *refused = scene_new_job (SCENE_USER), *job = scene_new_job (SCENE_PROJECT);      /* the first one's project is none */
    cf_lease_queue (s_lease, refused, false);
    cf_lease_queue (s_lease, job, false);
    ck_assert_int_eq (refused->state, CF_JOB_RUNNING);
    ck_assert_int_eq (job->state, CF_JOB_RUNNING);
    ck_assert (!job->accepted);
    world_wrote ("told", s_line ("run", 1, agent));
    ck_assert (job->accepted);
    ck_assert_str_eq (s_row (), "running 1 0");
    world_until (cf_task_count () == 0);
    ck_assert (!refused->accepted);
    ck_assert_ptr_null (strstr (strstr (world_read ("told"), "run") + 1, "run"));
    cf_lease_release (s_lease, refused, false);
    cf_desk_drop (scene.desk, refused);
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.agent_jobs"), "1");
    s_end ();
}
END_TEST

START_TEST (what_is_sent_again_after_a_lost_commit_is_found_accepted)
{
    s_begin ();
    world_actor ("agent", "qa", 1);
    cf_job_t *job = scene_new_job (SCENE_PROJECT);
    cf_lease_queue (s_lease, job, false);
    world_wrote ("told", "run 1");
    job->accepted = false;
    ck_assert_uint_gt (cf_ledger_accept (scene.ledger, job), 0);       /* its row is there, and at work */
    world_until (job->accepted);
    s_end ();
}
END_TEST

START_TEST (nothing_is_handed_out_while_the_ledger_is_away)
{
    s_begin ();
    world_actor ("agent", "qa", 1);
    cf_job_t *job = scene_job ();
    scene_lose_database ();
    cf_lease_queue (s_lease, job, false);
    cf_lease_sweep (s_lease);
    ck_assert_int_eq (job->state, CF_JOB_QUEUED);
    cf_test_postgres_start ();
    world_until (cf_ledger_is_up (scene.ledger));
    cf_lease_sweep (s_lease);
    world_wrote ("told", "run 1");
    s_end ();
}
END_TEST

START_TEST (a_dead_holders_job_goes_on_with_its_journal)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    cf_job_t *job = s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    size_t second = world_actor ("agent", "qa", 2);
    cf_job_step_t done = scene_step (job, "qa");
    cf_desk_finish_step (scene.desk, job, &done);       /* on its way into the ledger when its process dies */
    world_kill_actor (first);
    world_wrote ("told", s_line ("run", 2, second));
    ck_assert_int_eq (world_count ("told", "steps 1"), 1);
    ck_assert_str_eq (s_row (), "running 2 1");
    s_end ();
}
END_TEST

START_TEST (three_deaths_are_the_jobs_fault)
{
    s_begin ();
    s_queued ();
    for (uint32_t death = 1; death <= 3; death++) {
        size_t actor = world_actor ("agent", "qa", 1);
        world_wrote ("told", s_line ("run", death, actor));
        if (death == 2)
            s_restart ();               /* deaths are counted in the ledger */
        if (death == 2)
            ck_assert (cf_lease_claim (s_lease, world.actors [actor].peer, s_job (), 2));
        world_until (cf_task_count () == 0);    /* it has said "taken": else it is no death */
        world_kill_actor (actor);
    }
    world_until (cf_desk_size (scene.desk) == 0);
    ck_assert_str_eq (s_row (), "failed 3 3");
    ck_assert_str_eq (cf_test_sql ("select error from public.agent_jobs"), cf_error_sentence (CF_ERROR_POISONED));
    s_end ();
}
END_TEST

static void
s_tell_to_leave (cf_task_t *task, void *arg)
{
    cf_breaker_says_t *says = cf_call_once (task, arg, CF_BREAKER_ASK, &(cf_breaker_ask_t) { .provider = "" }, 20000, NULL);
    cf_codec_free (&says);
}

START_TEST (who_leaves_hands_back_at_once_and_that_is_no_death)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    size_t second = world_actor ("agent", "qa", 2);
    cf_task_start (world.loop, s_tell_to_leave, world.actors [first].peer, NULL);
    world_wrote ("told", s_line ("run", 2, second));
    world_kill_actor (first);
    s_queued ();
    world_until (world_count ("told", world.actors [second].peer) == 2);
    ck_assert_str_eq (cf_test_sql ("select sum (deaths) from public.agent_jobs"), "0");
    s_end ();
}
END_TEST

START_TEST (what_is_not_taken_is_tried_again_and_that_is_no_death)
{
    s_begin ();
    world_note ("refuse", "all");
    world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("refused", "3");
    unlink (world_path ("refuse"));
    world_wrote ("told", "run ");
    world_until (cf_task_count () == 0);
    ck_assert_uint_eq (s_job ()->deaths, 0);
    ck_assert_int_eq (s_job ()->state, CF_JOB_RUNNING);
    s_end ();
}
END_TEST

START_TEST (what_nobody_can_take_ends)
{
    s_begin ();
    world_note ("refuse", "for ever");
    world_actor ("agent", "qa", 1);
    s_queued ();
    world_until (cf_desk_size (scene.desk) == 0);
    ck_assert_str_eq (s_row (), "failed 1 0");
    s_end ();
}
END_TEST

START_TEST (a_cancelled_jobs_holder_is_stopped)
{
    s_begin ();
    size_t actor = world_actor ("agent", "qa", 1);
    cf_job_t *job = s_queued ();
    world_wrote ("told", s_line ("run", 1, actor));
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL), 0);
    cf_lease_release (s_lease, job, true);
    world_wrote ("told", s_line ("stop", 1, actor));
    world_until (cf_desk_size (scene.desk) == 0);
    s_end ();
}
END_TEST

/*  Cancelled while its lease is on its way into the ledger: nobody hears of it. */
START_TEST (a_job_cancelled_before_it_was_handed_out_is_not)
{
    s_begin ();
    size_t actor = world_actor ("agent", "qa", 1);
    cf_job_t *job = s_queued ();
    ck_assert_int_eq (job->state, CF_JOB_RUNNING);
    cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL);
    cf_lease_release (s_lease, job, true);
    world_wrote ("told", s_line ("stop", 1, actor));
    world_until (cf_desk_size (scene.desk) == 0 && cf_task_count () == 0);
    ck_assert_int_eq (world_count ("told", "run"), 0);
    s_end ();
}
END_TEST

START_TEST (a_new_instance_lets_holders_keep_what_they_have)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    s_restart ();
    cf_job_t *job = s_job ();
    ck_assert_int_eq (job->state, CF_JOB_RUNNING);
    ck_assert (!cf_lease_claim (s_lease, world.actors [first].peer, job, 7));
    ck_assert (cf_lease_claim (s_lease, world.actors [first].peer, job, 1));
    ck_assert (cf_lease_claim (s_lease, world.actors [first].peer, job, 1));
    ck_assert (!cf_lease_claim (s_lease, "qa.9.1", job, 1));
    cf_lease_claimed (s_lease, world.actors [first].peer);
    ck_assert_int_eq (job->state, CF_JOB_RUNNING);
    ck_assert_uint_eq (job->attempt, 1);
    s_end ();
}
END_TEST

START_TEST (what_nobody_claims_is_handed_out_when_all_have_spoken)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    s_restart ();
    world_kill_actor (first);
    size_t second = world_actor ("agent", "qa", 2);
    cf_lease_claimed (s_lease, world.actors [second].peer);
    world_wrote ("told", s_line ("run", 2, second));
    s_end ();
}
END_TEST

START_TEST (what_nobody_claims_is_handed_out_after_a_while)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    s_restart ();
    world_kill_actor (first);
    size_t second = world_actor ("agent", "qa", 2);
    world_wrote ("told", s_line ("run", 2, second));
    s_end ();
}
END_TEST

/*  No broker was there to say so. */
START_TEST (a_holder_that_died_with_the_broker_is_missed)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    world_kill_broker ();
    world_kill (&world.actors [first].pid);
    world_start_broker ();
    size_t second = world_actor ("agent", "qa", 2);
    world_wrote ("told", s_line ("run", 2, second));
    s_end ();
}
END_TEST

START_TEST (a_holder_that_outlives_the_broker_keeps_its_job)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    uint64_t epoch = cf_link_epoch (world.link);
    world_kill_broker ();
    world_start_broker ();
    world_until (cf_link_epoch (world.link) != epoch && world_count ("ready", "qa.1") == 1);
    uint64_t until_ms = cf_clock_ms () + 3500;          /* longer than everybody has to join again */
    world_until (cf_clock_ms () > until_ms);
    cf_lease_sweep (s_lease);
    ck_assert_uint_eq (s_job ()->attempt, 1);
    ck_assert_int_eq (s_job ()->state, CF_JOB_RUNNING);
    s_end ();
}
END_TEST

/*  The word of its death was lost; nobody but the broker's own list says that it is not there. */
START_TEST (a_holder_that_the_broker_does_not_know_is_gone)
{
    s_begin ();
    size_t first = world_actor ("agent", "qa", 1);
    s_queued ();
    world_wrote ("told", s_line ("run", 1, first));
    s_restart ();
    ck_assert (cf_lease_claim (s_lease, "qa.9.999", s_job (), 1));
    cf_lease_claimed (s_lease, "qa.9.999");
    cf_job_t *job = s_job ();
    world_until ((cf_lease_sweep (s_lease), job->attempt == 2));
    world_wrote ("told", s_line ("run", 2, first));
    ck_assert_uint_eq (job->deaths, 1);
    s_end ();
}
END_TEST

SCENE_MAIN ("lease", a_job_is_handed_to_the_least_busy_and_is_in_the_ledger_before, a_job_is_leased_while_it_is_accepted_and_handed_out_after_that,
            what_is_sent_again_after_a_lost_commit_is_found_accepted, nothing_is_handed_out_while_the_ledger_is_away,
            a_dead_holders_job_goes_on_with_its_journal, three_deaths_are_the_jobs_fault,
            who_leaves_hands_back_at_once_and_that_is_no_death, what_is_not_taken_is_tried_again_and_that_is_no_death,
            what_nobody_can_take_ends, a_cancelled_jobs_holder_is_stopped, a_job_cancelled_before_it_was_handed_out_is_not,
            a_new_instance_lets_holders_keep_what_they_have, what_nobody_claims_is_handed_out_when_all_have_spoken,
            what_nobody_claims_is_handed_out_after_a_while, a_holder_that_died_with_the_broker_is_missed,
            a_holder_that_outlives_the_broker_keeps_its_job, a_holder_that_the_broker_does_not_know_is_gone)
