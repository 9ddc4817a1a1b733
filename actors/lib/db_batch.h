/* SPDX-License-Identifier: MPL-2.0 */
/*  db_batch - rows of many tasks, written by few statements in one order
 *
 *  A lane is a statement that takes one array a column and writes a row for each element. Rows added during a turn of the
 *  loop become one transaction: every lane that has rows, in the order the lanes were made. While it is under way the
 *  next one fills. Transactions are committed strictly in order, one after the other, on a connection of the batch's own.
 *
 *  A transaction that the server refuses is split until only the bad row fails. After a lost connection whatever was
 *  not confirmed is sent again: lane statements must be harmless when repeated (`on conflict do nothing`, guarded
 *  updates). After a deadlock, and while the disk is full or the server read-only, rows wait and are sent again too.
 */
#ifndef CF_LIB_DB_BATCH_H
#define CF_LIB_DB_BATCH_H

#include "actors/lib/db.h"

#define CF_BATCH_LANES 32               /* most lanes of a batch */
#define CF_BATCH_COLUMNS 32             /* most columns of a lane */
#define CF_BATCH_ROWS 512               /* most rows of a transaction */
#define CF_BATCH_BYTES (8u << 20)       /* about the most bytes of a transaction */
#define CF_BATCH_WAITING_BYTES (64u << 20)      /* most bytes not yet committed; beyond them rows are refused */

typedef struct cf_batch_t cf_batch_t;
typedef uint64_t cf_batch_ticket_t;     /* names a row; 0: none */

/*  Gets what the lane's statement returned (`returning …`) for one transaction, once that is committed and before its
    waiters wake. result is borrowed. Rows it adds go into a later transaction. A transaction that was committed just
    when the connection broke is sent again, and `on conflict do nothing returning` returns none of its rows then: a
    statement that must tell what is in the table has to look there as well. */
typedef void (cf_batch_result_fn) (void *arg, const cf_db_result_t *result);
/*  ok: the row was committed; otherwise it was refused by itself, or the batch is being destroyed. */
typedef void (cf_batch_done_fn) (void *arg, bool ok);

/*  Connects by itself, to db's address. NULL when out of memory. */
cf_batch_t *cf_batch_new (cf_db_t *db);
/*  Drops what is not committed (cf_batch_idle tells); those who wait for it are told that it failed. Before its db. */
void cf_batch_destroy (cf_batch_t **self_p);

/*  How long rows that no task waits for (cf_batch_commit) are held back, to share a transaction with what comes meanwhile; 0 at first. A
    task that waits for one of them ends the wait of all. */
void cf_batch_set_linger (cf_batch_t *self, uint64_t linger_ms);

/*  Adds a lane, e.g. "insert into codeforge.job_events (job_id, seq, data) select * from unnest ($1::uuid[],
    $2::bigint[], $3::text[]) on conflict do nothing", 3. fn may be NULL. Its number, from 0; -1 beyond the maxima, and
    once there are rows. */
int cf_batch_lane (cf_batch_t *self, const char *sql, size_t columns, cf_batch_result_fn *fn, void *arg);

/*  Copies a row (as many texts as the lane has columns, NULL: SQL null) into the next transaction. Its ticket, or 0 when too
    much is waiting already (answer DATABASE_DOWN). */
cf_batch_ticket_t cf_batch_row (cf_batch_t *self, int lane, const char *const *values);
/*  Waits until the row of ticket is committed: 0, or -1 with DATABASE_REFUSED (cf_db_refused_with tells why; the row was
    taken back), DATABASE_DOWN (ticket 0, or destroyed) or what the task was cancelled with (the row is committed all the
    same when it can be). Lost connections are waited out. Ask soon: only the last 256 refusals are remembered. */
int cf_batch_commit (cf_task_t *task, cf_batch_t *self, cf_batch_ticket_t ticket, cf_error_t *error);
/*  Calls fn (arg, ok) once the row of ticket is committed or refused, and with it (unless the transaction had to be split)
    everything that was added before; at once if it is already. 0, or -1 when out of memory or ticket is 0 (fn is not
    called then). */
int cf_batch_notify (cf_batch_t *self, cf_batch_ticket_t ticket, cf_batch_done_fn *fn, void *arg);

/*  Whether nothing is waiting to be committed. */
bool cf_batch_idle (const cf_batch_t *self);
/*  Bytes not yet committed, and whether the connection is ready: for beats. */
size_t cf_batch_waiting_bytes (const cf_batch_t *self);
bool cf_batch_is_up (const cf_batch_t *self);

#endif
