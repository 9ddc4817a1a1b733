/* SPDX-License-Identifier: MPL-2.0 */
/*  link - joining, joining again, and what is known meanwhile */

#include "tests/support/world.h"

static int s_joined, s_ready;
static char s_peers [1024];

static void
s_on_joined (void *arg)
{
    (void) arg;
    s_joined++;
}

static void
s_on_ready (void *arg)
{
    (void) arg;
    s_ready++;
}

static void
s_on_peer (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) fields;
    size_t filled = strlen (s_peers);
    snprintf (s_peers + filled, sizeof s_peers - filled, "%s=%llu ", envelope->to, (unsigned long long) envelope->number);
}

static void
s_bye (cf_task_t *task, const void *fields, void *owner)
{
    (void) fields;
    (void) owner;
    cf_link_bye (cf_link_here ());
    cf_reply (task, &(cf_breaker_says_t) { .state = "bye" });
}

static void
s_play (cf_loop_t *loop)
{
    static const cf_handler_t handlers [] = { { CF_BREAKER_ASK, s_bye } };
    world_serve (loop, handlers, 1);
}

WORLD_ROLES ({ "leaver", s_play })

START_TEST (joins_every_broker_once)
{
    world_begin ();
    ck_assert (cf_link_joined (world.link));
    ck_assert_ptr_eq (cf_link_here (), world.link);
    ck_assert_ptr_eq (cf_link_loop (world.link), world.loop);
    char name [64];
    snprintf (name, sizeof name, "supervisor.1.%d", (int) getpid ());
    ck_assert_str_eq (cf_link_name (world.link), name);
    cf_link_on_joined (world.link, s_on_joined, NULL);
    cf_link_on_joined (world.link, s_on_joined, NULL);
    cf_link_ready (world.link, s_on_ready, NULL);
    ck_assert_int_eq (s_ready, 1);
    for (int death = 1; death <= 3; death++) {
        uint64_t epoch = cf_link_epoch (world.link);
        world_kill_broker ();
        world_start_broker ();
        world_until (cf_link_epoch (world.link) != epoch && s_joined >= death);
    }
    ck_assert_int_eq (s_joined, 3);
    ck_assert_int_eq (s_ready, 1);
    world_end ();
}
END_TEST

START_TEST (says_when_nobody_can_be_told)
{
    world_begin ();
    cf_envelope_t envelope = { .kind = CF_KIND_EVENT, .to = "test.a" };
    ck_assert_int_eq (cf_link_send (world.link, &envelope, NULL), 0);
    world_kill_broker ();
    world_until (cf_link_send (world.link, &envelope, NULL));
    ck_assert_int_eq (cf_link_gone (world.link, "qa.1.1"), -1);
    world_start_broker ();
    world_until (cf_link_send (world.link, &envelope, NULL) == 0);
    world_end ();
}
END_TEST

/*  Makes the actor leave; its answer may go down with the broker, so nothing is asked of it. */
static void
s_ask (cf_task_t *task, void *arg)
{
    cf_error_t error = { 0 };
    cf_breaker_says_t *says = cf_call_to (task, arg, CF_BREAKER_ASK, &(cf_breaker_ask_t) { .provider = "" }, 20000, &error);
    cf_codec_free (&says);
}

/*  Ready, leaving, gone: the words of the broker, also from one that was told before. */
START_TEST (its_life_is_announced)
{
    world_begin ();
    cf_subscription_t *peers = cf_event_subscribe ("state.peer.qa.*", s_on_peer, NULL);
    size_t actor = world_actor ("leaver", "qa", 1);
    world_until (strstr (s_peers, "=1 "));
    cf_task_start (world.loop, s_ask, world.actors [actor].peer, NULL);
    world_until (strstr (s_peers, "=2 "));
    uint64_t epoch = cf_link_epoch (world.link);
    *s_peers = 0;
    world_kill_broker ();
    world_start_broker ();
    world_until (cf_link_epoch (world.link) != epoch && strstr (s_peers, "=2 "));       /* it stays away from work */
    ck_assert_ptr_null (strstr (s_peers, "=1 "));
    world_kill_actor (actor);
    world_until (strstr (s_peers, "=0 "));
    cf_event_unsubscribe (&peers);
    world_end ();
}
END_TEST

START_TEST (bodies_are_counted)
{
    world_begin ();
    cf_body_t *body = cf_body_new (CF_BREAKER_ASK, &(cf_breaker_ask_t) { .provider = "x" });
    ck_assert_uint_gt (cf_body_size (body), 0);
    ck_assert_uint_eq (cf_body_size (NULL), 0);
    cf_envelope_t envelope = { .kind = CF_KIND_EVENT, .to = "test.a" };
    for (int times = 0; times < 3; times++)
        ck_assert_int_eq (cf_link_send (world.link, &envelope, body), 0);
    cf_body_unref (&body);
    cf_body_unref (&body);
    ck_assert_ptr_null (body);
    world_end ();                       /* the leak checker says the rest */
}
END_TEST

UNIT_MAIN ("link", joins_every_broker_once, says_when_nobody_can_be_told, its_life_is_announced, bodies_are_counted)
