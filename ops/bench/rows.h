/* SPDX-License-Identifier: MPL-2.0 */
/*  rows - the database seen by the bench: how many jobs there are, and how fast rows can be written at all */
#ifndef CF_BENCH_ROWS_H
#define CF_BENCH_ROWS_H

#include "proto/base/error.h"

#include <stdint.h>

typedef struct cf_rows_t cf_rows_t;

typedef enum { CF_ROWS_OPEN, CF_ROWS_COMPLETED } cf_rows_what_t;

/*  NULL with error. */
cf_rows_t *cf_rows_new (const char *url, cf_error_t *error);
void cf_rows_destroy (cf_rows_t **self_p);
/*  Jobs of the ledger; ends the program when the database does not answer. */
uint64_t cf_rows_count (cf_rows_t *self, cf_rows_what_t what);

#endif
