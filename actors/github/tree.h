/* SPDX-License-Identifier: MPL-2.0 */
/*  tree - the files of a commit, by path, and the name that git gives to them as a whole
 *
 *  An object's name in git is the SHA-1 of its kind, size and bytes (gitformat-pack(5), git-hash-object(1)), so that two trees of the
 *  same name hold the same files to the last byte. A tree that is named here before anything is sent is therefore the proof that
 *  what arrived is what was meant.
 */
#ifndef CF_GITHUB_TREE_H
#define CF_GITHUB_TREE_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#define CF_TREE_FILES_MAX 100000u       /* GitHub lists no more of a tree */
#define CF_TREE_PATH_MAX 4096u
#define CF_TREE_ID_BYTES 20
#define CF_TREE_ID_SIZE 41              /* as text, with its NUL */

typedef enum {
    CF_TREE_FILE = 0100644,
    CF_TREE_SCRIPT = 0100755,           /* may be executed */
    CF_TREE_LINK = 0120000,             /* symbolic */
    CF_TREE_MODULE = 0160000            /* a commit of another repository */
} cf_tree_mode_t;

typedef struct {
    UT_hash_handle hh;
    char *path;
    cf_tree_mode_t mode;
    unsigned char id [CF_TREE_ID_BYTES];    /* of its content */
} cf_tree_entry_t;

typedef struct cf_tree_t cf_tree_t;

/*  NULL when out of memory. */
cf_tree_t *cf_tree_new (void);
void cf_tree_destroy (cf_tree_t **self_p);

/*  Adds a file, or replaces the one of the same path. 0, or -1 with error: INVALID, saying what is wrong with the path, or that there
    are too many files. */
int cf_tree_put (cf_tree_t *self, const char *path, cf_tree_mode_t mode, const unsigned char id [CF_TREE_ID_BYTES], cf_error_t *error);
void cf_tree_remove (cf_tree_t *self, const char *path);
/*  Borrowed until it is changed; NULL where there is none. */
const cf_tree_entry_t *cf_tree_lookup (const cf_tree_t *self, const char *path);
/*  The entries, to be walked with ->hh.next. */
const cf_tree_entry_t *cf_tree_first (const cf_tree_t *self);
size_t cf_tree_count (const cf_tree_t *self);
/*  Whether there is a file of this name at the top, in any case, with any ending (".md") where with_ending. */
bool cf_tree_has_top (const cf_tree_t *self, const char *name, bool with_ending);

/*  The name of the whole. 0, or -1 with error: INVALID where a file has the name of another one's folder. */
int cf_tree_name (const cf_tree_t *self, char name [CF_TREE_ID_SIZE], cf_error_t *error);

/*  The name of content. */
void cf_tree_name_content (const void *bytes, size_t size, unsigned char id [CF_TREE_ID_BYTES]);
/*  Scripts, by their ending or their first line, may be executed. */
cf_tree_mode_t cf_tree_mode_of (const char *path, const char *content);
/*  Whether git could check it out anywhere: no empty, "." or ".." part, none that is ".git" in any case, no backslash, not too
    many folders deep. */
bool cf_tree_path_is_fit (const char *path);

char *cf_tree_print_id (const unsigned char id [CF_TREE_ID_BYTES], char text [CF_TREE_ID_SIZE]);
/*  False where text is none. */
bool cf_tree_parse_id (const char *text, unsigned char id [CF_TREE_ID_BYTES]);

#endif
