/* SPDX-License-Identifier: MPL-2.0 */
/*  worker - an actor for tests that does what it is asked: the `provider` of a BREAKER_ASK is a command
 *
 *      hello             says its process id as state; wait_ms counts the commands it was given before
 *      left              says what is left of its time as wait_ms
 *      hold NAME         writes "begin" into the file NAME, waits for a line "go" in the file go, writes "end"; why, if it is cancelled
 *      nest A B C …      writes what is left of its time into the file left, then asks service A: nest B C … or, at the end, hold nest
 *      fail              fails with INVALID and details
 *      mute              does not answer
 *      twice             answers two times
 *      large N           answers with N bytes
 */
#ifndef CF_TESTS_WORKER_H
#define CF_TESTS_WORKER_H

#include "tests/support/world.h"

#define WORKER_TIMEOUT_MS 60000

static inline void worker_hold (cf_task_t *task, const char *file, cf_error_t *error)
{
    world_note (file, "begin %s", cf_link_name (cf_link_here ()));
    int rc = 0;
    while (rc == 0 && !world_count ("go", "go"))
        rc = cf_task_sleep (task, 5, error);
    world_note (file, "%s %s", rc? cf_error_name (error->code): "end", cf_link_name (cf_link_here ()));
}

static inline void worker_nest (cf_task_t *task, const char *services, cf_error_t *error)
{
    char service [32], rest [128] = "hold nest";
    size_t size = strcspn (services, " ");
    snprintf (service, sizeof service, "%.*s", (int) size, services);
    if (services [size])
        snprintf (rest, sizeof rest, "nest %s", services + size + 1);
    world_note ("left", "%llu", (unsigned long long) cf_task_left_ms (task, 1000000));
    cf_breaker_says_t *says = cf_call_to (task, service, CF_BREAKER_ASK, &(cf_breaker_ask_t) { .provider = rest }, WORKER_TIMEOUT_MS, error);
    if (!says)
        world_note ("nest", "%s %s", cf_error_name (error->code), cf_link_name (cf_link_here ()));
    cf_codec_free (&says);
}

static inline void worker_large (cf_task_t *task, size_t size)
{
    char *text = malloc (size + 1);
    memset (text, 'x', size);
    text [size] = 0;
    cf_reply (task, &(cf_breaker_says_t) { .state = text });
    free (text);
}

static inline void worker_on_ask (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    static uint32_t commands;
    char pid [16];
    const char *command = ((const cf_breaker_ask_t *) fields)->provider;
    cf_error_t error = { 0 };
    cf_breaker_says_t says = { .state = pid, .wait_ms = commands++ };
    snprintf (pid, sizeof pid, "%d", (int) getpid ());
    if (strcmp (command, "mute") == 0)
        return;
    if (strncmp (command, "hold ", 5) == 0)
        worker_hold (task, command + 5, &error);
    else if (strncmp (command, "nest ", 5) == 0)
        worker_nest (task, command + 5, &error);
    else if (strncmp (command, "large ", 6) == 0)
        worker_large (task, (size_t) atol (command + 6));
    else if (strcmp (command, "left") == 0)
        says.wait_ms = (uint32_t) cf_task_left_ms (task, 1000000);
    else if (strcmp (command, "twice") == 0)
        cf_reply (task, &says);
    else if (strcmp (command, "fail") == 0)
        cf_fail_with (task, CF_ERROR_INVALID, "not like that", "{\"field\":\"provider\"}");
    if (error.code)
        cf_fail (task, &error);
    else
        cf_reply (task, &says);
}

static inline void worker_play (cf_loop_t *loop)
{
    static const cf_handler_t handlers [] = { { CF_BREAKER_ASK, worker_on_ask } };
    world_serve (loop, handlers, 1);
}

/*  A call of the test's own, in a task. */
typedef struct {
    const char *to, *command;
    uint32_t timeout_ms;
    bool once;
    cf_task_t *task;            /* NULL once it has ended */
    bool ended, answered;
    char state [64];
    size_t size;                /* of the answer */
    uint32_t number;
    cf_error_t error;
    char details [64];
} worker_call_t;

static inline void worker_ask (cf_task_t *task, void *arg)
{
    worker_call_t *call = arg;
    cf_breaker_ask_t ask = { .provider = call->command };
    uint32_t timeout_ms = call->timeout_ms? call->timeout_ms: WORKER_TIMEOUT_MS;
    call->task = task;
    cf_breaker_says_t *says = call->once? cf_call_once (task, call->to, CF_BREAKER_ASK, &ask, timeout_ms, &call->error)
                                        : cf_call_to (task, call->to, CF_BREAKER_ASK, &ask, timeout_ms, &call->error);
    call->answered = says != NULL;
    if (says) {
        snprintf (call->state, sizeof call->state, "%.63s", says->state);
        call->size = strlen (says->state);
        call->number = says->wait_ms;
    }
    else
        snprintf (call->details, sizeof call->details, "%.63s", cf_call_details ());
    cf_codec_free (&says);
    call->task = NULL;
    call->ended = true;
}

static inline void worker_begin (worker_call_t *call)
{
    cf_task_start (world.loop, worker_ask, call, NULL);
}

static inline void worker_end (worker_call_t *call)
{
    world_until (call->ended);
}

/*  Asks and waits for the answer, which must come. */
static inline worker_call_t worker_do (const char *to, const char *command)
{
    worker_call_t call = { .to = to, .command = command };
    worker_begin (&call);
    worker_end (&call);
    ck_assert_msg (call.answered, "%s: %s", command, call.error.text);
    return call;
}

static inline void worker_expect (const worker_call_t *call, cf_error_code_t code)
{
    ck_assert (call->ended && !call->answered);
    ck_assert_str_eq (cf_error_name (call->error.code), cf_error_name (code));
}

#endif
