/* SPDX-License-Identifier: MPL-2.0 */
/*  prompt - what models are told: files below share/prompts, worked on without a rebuild or a restart
 *
 *  A file is looked at whenever it is used, and read again when it changed. One that is missing or broken is said in the log, once, and
 *  its last good text goes on being used. Broken is what is empty, too large, not UTF-8, or has a place that nobody fills.
 *
 *  A place is {{NAME}}; the names are CF_PROMPT_PLACES. TO ADD A PLACE: its name there, its value where the prompt is put.
 */
#ifndef CF_LIB_PROMPT_H
#define CF_LIB_PROMPT_H

#include "proto/base/buf.h"
#include "proto/base/error.h"

#define CF_PROMPT_MAX_BYTES (256u << 10)
#define CF_PROMPT_MAX_FILES 64          /* known in one process */

/*  schema, example: of the document asked for. words, characters: most of the answer. */
#define CF_PROMPT_PLACES "schema", "example", "words", "characters"

typedef struct {
    const char *place, *value;
} cf_prompt_value_t;

/*  Appends share/prompts/NAME.md to out, its places filled from values (which end with a NULL; NULL: there are none); a place without
    a value is left empty. 0, or -1 with error (INTERNAL, naming the file) where it has never been good. */
int cf_prompt_put (cf_buf_t *out, const char *name, const cf_prompt_value_t *values, cf_error_t *error);
/*  Forgets all of them. */
void cf_prompt_free (void);

#endif
