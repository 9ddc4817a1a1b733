/* SPDX-License-Identifier: MPL-2.0 */
/*  db_wire - one connection to PostgreSQL in pipeline mode, for db and db_batch only (libpq's owner)
 *
 *  A flight is what goes between two syncs: one implicit transaction. Flights are answered in the order they were sent,
 *  each by exactly one call of its function. A lost connection is made again by itself, 50 ms after the loss, then after
 *  twice as long each time, up to 1 s. What is logged is libpq's messages, which hold no password.
 */
#ifndef CF_LIB_DB_WIRE_H
#define CF_LIB_DB_WIRE_H

#include "actors/lib/db.h"

#define CF_DB_FLIGHT_MAX 64             /* statements in a flight */

typedef struct cf_db_wire_t cf_db_wire_t;
typedef struct cf_db_flight_t cf_db_flight_t;

typedef enum {
    CF_DB_COMMITTED,
    CF_DB_REFUSED,              /* rolled back: a statement's own fault */
    CF_DB_AGAIN,                /* rolled back by no fault of its own (deadlock, outdated plan): send it again */
    CF_DB_UNABLE,               /* rolled back: the server cannot do it at present (disk full, read-only) */
    CF_DB_LOST                  /* the connection was lost: nobody knows */
} cf_db_outcome_t;

/*  Called from the loop; must not send. results stay the flight owner's to destroy. */
typedef void (cf_db_flight_fn) (cf_db_flight_t *self, cf_db_outcome_t outcome);

struct cf_db_flight_t {
    cf_db_flight_fn *fn;                /* set by the owner, like arg */
    void *arg;
    cf_db_result_t *results [CF_DB_FLIGHT_MAX];     /* one a statement; NULL where there is none */
    char sqlstate [6];                  /* of the statement that was refused; "" */
    char message [256];
    /* the wire's own */
    cf_db_flight_t *next;
    size_t count, at;                   /* statements sent; the one whose result is awaited */
    uint64_t prepares;                  /* bit: a PREPARE goes before that statement and was not answered yet */
    uint16_t slots [CF_DB_FLIGHT_MAX];  /* which prepared statement */
    uint32_t epoch;                     /* of the prepared statements */
    bool answering, failed;             /* between a result and the NULL after it; an error came */
    cf_db_outcome_t outcome;
};

/*  0 where url is an address libpq understands, or -1 with INVALID. */
int cf_db_wire_check (const char *url, cf_error_t *error);
/*  settings: the server's options for this connection ("-c name=value …"), static. fn (arg) is called from the loop whenever the
    connection comes up or is lost. NULL when out of memory. */
cf_db_wire_t *cf_db_wire_new (cf_loop_t *loop, const char *url, const char *settings, cf_loop_fn *fn, void *arg);
/*  Flights on the way end as LOST. */
void cf_db_wire_destroy (cf_db_wire_t **self_p);
bool cf_db_wire_is_up (const cf_db_wire_t *self);
/*  Whether it is up and nothing is on the way. */
bool cf_db_wire_is_free (const cf_db_wire_t *self);
/*  Sends a flight of 1 to CF_DB_FLIGHT_MAX statements (copied). Its function may be called before this returns, if the
    connection breaks. Only while up. */
void cf_db_wire_send (cf_db_wire_t *self, cf_db_flight_t *flight, const cf_db_statement_t *statements, size_t count);
/*  To be called after a round of sends. */
void cf_db_wire_flush (cf_db_wire_t *self);
/*  What a batch takes from its db. */
cf_loop_t *cf_db_loop (const cf_db_t *self);
const char *cf_db_url (const cf_db_t *self);
/*  Destroys the results of a flight. */
void cf_db_flight_clear (cf_db_flight_t *self);

#endif
