/* SPDX-License-Identifier: MPL-2.0 */
/*  split - an application file by file, where it is too long for one answer
 *
 *  One call plans: which files, in which order, what each is for and what it provides to the others. Then each file is a call of its own
 *  that sees the plan and what is finished by then; CF_SPLIT_AT_ONCE of them go on at once, since one after the other an ordinary
 *  application would outlive its job's time. Rejected: all at once, where no file would see another, and only the plan would hold them
 *  together; going on where the answer was cut off, which newer models refuse, and where the seam shows.
 *
 *  Every call is a step of the journal: STEP.plan, STEP.file.PATH. Bounds: 50 files (the schema of the result); the plan takes five calls at
 *  most; a file that is cut off is asked for again once, shorter; all files together take CF_SPLIT_SPARE calls beyond one each. So it is
 *  75 calls at most, and a pipeline with five runs of code stays below the 500 steps of a job.
 */
#ifndef CF_CODER_SPLIT_H
#define CF_CODER_SPLIT_H

#include "actors/lib/agent.h"

#define CF_SPLIT_AT_ONCE 4
#define CF_SPLIT_SPARE 20
#define CF_SPLIT_SHOWN_BYTES 200000     /* of finished files that a call gets to see */

/*  Writes what input (data blocks) asks for. Returns the code agent's document, the caller's; NULL with error as cf_work_generate. */
cf_json_t *cf_split_generate (cf_work_t *work, const char *input, cf_error_t *error);

#endif
