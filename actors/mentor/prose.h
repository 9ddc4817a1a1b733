/* SPDX-License-Identifier: MPL-2.0 */
/*  prose - tells words from code, so that a mentor's answer which gives the solution away is noticed
 *
 *  It knows the looks of common languages, not their grammar. A single name, a call without what it is called with, a short
 *  comparison quoted from the learner's code are words; a statement, a block, an assignment, markup are code.
 *
 *  TO ADD A SIGN: one line in prose.c, and texts on both sides of it in its test.
 */
#ifndef CF_MENTOR_PROSE_H
#define CF_MENTOR_PROSE_H

#include "proto/base/json.h"

#define CF_PROSE_SAMPLE 80              /* bytes, the end included */

/*  Whether text shows code; what it was recognized by goes to sample, as whole characters. */
bool cf_prose_shows_code (const char *text, char sample [CF_PROSE_SAMPLE]);
/*  Looks at every string of a document: appends a line "- FIELD: …" to complaints for each that shows code; how many. */
size_t cf_prose_check (const cf_json_t *document, cf_buf_t *complaints);

#endif
