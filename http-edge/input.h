/* SPDX-License-Identifier: MPL-2.0 */
/*  input - the rules of input_context that a JSON Schema cannot say: size, nesting, keys, control characters */
#ifndef CF_EDGE_INPUT_H
#define CF_EDGE_INPUT_H

#include "proto/base/json.h"
#include "proto/schema.h"

#define CF_INPUT_MAX_BYTES 50000        /* as compact JSON */
#define CF_INPUT_MAX_DEPTH 5            /* the object itself is level 1 */
#define CF_INPUT_MAX_KEY 100            /* code points */

/*  Takes control characters but newline and tab (Unicode's Cc) out of every string of value, in place. 0, or -1 when out
    of memory. */
int cf_input_clean (cf_json_t *value);
/*  Describes what is wrong with an input_context in faults; returns how many, at most max. */
size_t cf_input_check (const cf_json_t *value, cf_schema_fault_t *faults, size_t max);
/*  A fault for each string below value that holds U+0000, which no message and no table can carry; field names the
    place of value. */
size_t cf_input_check_nul (const cf_json_t *value, const char *field, cf_schema_fault_t *faults, size_t max);

#endif
