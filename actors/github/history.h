/* SPDX-License-Identifier: MPL-2.0 */
/*  history - what exports of this project have noted, this one included: which repository they made, where they left it
 *
 *  An export notes in its job's journal, as soon as each is so:
 *      asked:NAME    {date_us}                   before it asks for the repository: GitHub's wall clock when there was none of that name
 *      repository    {id, head}                  that it made it, or its first commit
 *      commit:SHA    {id, sha, files}            before the branch is moved to it; files: {path: name of its content}
 *  A later export finds there whether a repository is one that an earlier one left unfinished, and which files of an earlier one are
 *  no longer in the project.
 */
#ifndef CF_GITHUB_HISTORY_H
#define CF_GITHUB_HISTORY_H

#include "actors/github/repository.h"

typedef struct cf_history_t cf_history_t;

/*  The notes of this job. NULL when out of memory. */
cf_history_t *cf_history_new (cf_work_t *work);
void cf_history_destroy (cf_history_t **self_p);
/*  Adds those of earlier exports of the project by the same user, the newest of them. 0, or -1 with error. */
int cf_history_read_earlier (cf_history_t *self, cf_error_t *error);

/*  name: OWNER/NAME. */
int cf_history_note_asked (cf_history_t *self, const char *name, uint64_t date_us, cf_error_t *error);
int cf_history_note_repository (cf_history_t *self, const cf_repository_t *repository, cf_error_t *error);
/*  ours: all that the project has in the commit. */
int cf_history_note_commit (cf_history_t *self, const cf_repository_t *repository, const char *commit, const cf_tree_t *ours, cf_error_t *error);

/*  Whether this job made the commit that the repository ends with. */
bool cf_history_is_finished (const cf_history_t *self, const cf_repository_t *repository);
/*  Whether an export that did not end well made the repository, or its first commit. */
bool cf_history_began (const cf_history_t *self, const cf_repository_t *repository);
/*  Whether the commit that the repository ends with is the one an export that did not end well made. */
bool cf_history_left (const cf_history_t *self, const cf_repository_t *repository);
/*  The files that the last export to the repository brought: {path: name}, borrowed; NULL where nobody knows. */
const cf_json_t *cf_history_files (const cf_history_t *self, const cf_repository_t *repository);

#endif
