/* SPDX-License-Identifier: MPL-2.0 */
/*  files - the project's files, on their way from the store into a tree at GitHub
 *
 *  They come in pages and leave in calls of a few megabytes, so that neither side is ever held whole. What each comes to is
 *  named on the way (tree.h), so that the tree that GitHub says it has can be compared with the one that was meant.
 */
#ifndef CF_GITHUB_FILES_H
#define CF_GITHUB_FILES_H

#include "actors/github/repository.h"

typedef struct cf_files_t cf_files_t;

/*  base: what lies in the repository's tree already, which the files are put over; NULL: nothing. Both borrowed. NULL when out of memory. */
cf_files_t *cf_files_new (cf_repository_t *repository, const cf_tree_t *base);
void cf_files_destroy (cf_files_t **self_p);

/*  Says that a file of the base goes. 0, or -1 with error. */
int cf_files_remove (cf_files_t *self, const char *path, cf_error_t *error);
/*  Puts a file of our own making. */
int cf_files_add (cf_files_t *self, const char *path, const char *content, cf_error_t *error);
/*  Puts all files of the project. expected: how many there are, for the progress. */
int cf_files_add_project (cf_files_t *self, size_t expected, cf_error_t *error);
/*  Sends what is left and sees to it that the tree at GitHub is the one that was meant; its name. */
int cf_files_finish (cf_files_t *self, char tree [CF_TREE_ID_SIZE], cf_error_t *error);

/*  The files that were added, whether or not they had to be sent; and the whole, with the base. Borrowed. */
const cf_tree_t *cf_files_added (const cf_files_t *self);
const cf_tree_t *cf_files_whole (const cf_files_t *self);

#endif
