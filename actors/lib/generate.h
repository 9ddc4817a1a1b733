/* SPDX-License-Identifier: MPL-2.0 */
/*  generate - documents from models: the part of agent.h that asks, judges and asks again
 *
 *  What the model reads: the step's prompts, the prompt `answer` with the document's schema, and as the user's part the step's input. An
 *  answer that is no document, or not a valid one, is refused with complaints, at most CF_GENERATE_FAULTS of them in at most
 *  CF_GENERATE_COMPLAINT_BYTES. The model gets to see it again only if it was a whole document and not too large: of anything else
 *  there is nothing to keep, and half a document invites to be continued.
 *
 *  An answer that was cut off leads to the same question with a bound: half of what it came to, or of what it was allowed, whichever is
 *  less. The bound stands for the rest of the way, repairs included.
 *
 *  Which calls are made follows from their answers alone, so that whoever does the work again from the journal makes the same ones.
 */
#ifndef CF_LIB_GENERATE_H
#define CF_LIB_GENERATE_H

#include "actors/lib/agent.h"

#define CF_GENERATE_REPAIRS 2
#define CF_GENERATE_FAULTS 20
#define CF_GENERATE_COMPLAINT_BYTES 4096
#define CF_GENERATE_LAST_BYTES 65536    /* of a refused document that is shown again */
#define CF_GENERATE_INPUT_BYTES (4u << 20)      /* the user's part, whole */
#define CF_GENERATE_SYSTEM_BYTES (1u << 20)
#define CF_GENERATE_WORDS_LEAST 100     /* no answer is bounded below */

/*  Frees what all work of this process shares: schemas and prompts. */
void cf_generate_free (void);

#endif
