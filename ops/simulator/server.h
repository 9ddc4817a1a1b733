/* SPDX-License-Identifier: MPL-2.0 */
/*  server - the simulator's process: one loop, its connections, its routes
 *
 *  h2o reads and writes HTTP; timers are a heap beside its loop, since its own know only a few fixed durations.
 */
#ifndef CF_SIMULATOR_SERVER_H
#define CF_SIMULATOR_SERVER_H

#include "ops/simulator/cache.h"
#include "ops/simulator/faults.h"
#include "ops/simulator/journal.h"
#include "ops/simulator/recall.h"
#include "proto/base/heap.h"

#include <h2o.h>

#define CF_SERVER_MAX_OUTPUT (64u << 20)        /* of a control or embeddings answer */

typedef struct cf_call_t cf_call_t;

typedef struct {
    cf_call_t *call;                    /* NULL while free */
    size_t next;                        /* free slot after this one, SIZE_MAX for none */
    uint32_t generation;                /* grows each time the slot is given back */
} cf_slot_t;

typedef struct {
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener;             /* not reading while connections are at their maximum */
    size_t connections, max_connections;
    uint64_t latency_ms;                /* as set at start */
    uint64_t requests;
    bool stopping;

    cf_faults_t faults;
    cf_journal_t journal;
    cf_cache_t cache;
    cf_recall_t recall;

    cf_heap_t timers;                   /* of calls, in microseconds */
    bool fired;                         /* a timer wrote: the loop must not sleep before it has looked */
    int watch;                          /* epoll that tells of clients gone while their answer is pending */
    cf_slot_t *slots;
    size_t slot_count, free_slot;
} cf_server_t;

typedef void (cf_server_fn) (cf_server_t *self, h2o_req_t *req);

/*  Listens on 127.0.0.1:port (0: any free one, written to *port). NULL with error. */
cf_server_t *cf_server_new (uint16_t *port, uint64_t latency_ms, cf_error_t *error);
/*  Serves until SIGTERM or SIGINT. 0, or -1 where the loop failed. */
int cf_server_run (cf_server_t *self);

/*  Answers with a JSON body. */
void cf_server_reply (h2o_req_t *req, int status, const char *body, size_t size);
/*  Answers with an error in the wire format; code may be NULL. */
void cf_server_fail (h2o_req_t *req, const cf_format_t *format, int status, const char *code, const char *message);

/*  The same where code tells that it may be asked again after retry_ms. */
void cf_server_fail_for (h2o_req_t *req, const cf_format_t *format, int status, const char *code, const char *message, unsigned retry_ms);

/*  Where the names of Gemini's models stand, in addresses. */
#define CF_CHAT_GEMINI_MODELS "/v1beta/models/"

/*  Handlers (chat.c, control.c). */
cf_server_fn cf_chat_on_openai, cf_chat_on_anthropic, cf_chat_on_gemini, cf_chat_on_embeddings, cf_chat_on_models, cf_chat_on_gemini_models;
cf_server_fn cf_control_on_calls, cf_control_on_reset, cf_control_on_show, cf_control_on_settings;

#endif
