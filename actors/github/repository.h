/* SPDX-License-Identifier: MPL-2.0 */
/*  repository - one repository at GitHub and the branch that people see first: looked at, made, written to
 *
 *  Each function that calls GitHub returns 0, or -1 with error, the work having been told what its user may know (refusal.h).
 */
#ifndef CF_GITHUB_REPOSITORY_H
#define CF_GITHUB_REPOSITORY_H

#include "actors/github/refusal.h"
#include "actors/github/tree.h"

typedef struct {
    cf_work_t *work;
    cf_api_t *api;
    int64_t id;                         /* GitHub's; 0: there is none */
    uint64_t created_us;                /* wall clock of GitHub */
    bool archived;
    char name [256];                    /* OWNER/NAME */
    char branch [256];                  /* the default one */
    char page_url [512], clone_url [512];
    char head [CF_TREE_ID_SIZE];        /* commit that the branch ends with; "": it has none */
    char tree [CF_TREE_ID_SIZE];        /* of that commit */
    bool alone;                         /* that commit continues none */
} cf_repository_t;

/*  What there is of that name; id stays 0 where there is nothing. */
int cf_repository_look (cf_repository_t *self, const char *owner, const char *name, cf_error_t *error);
/*  Looks where the branch ends now. */
int cf_repository_look_at_head (cf_repository_t *self, cf_error_t *error);
/*  Makes it in the account of the token, with a first commit, after a look has found that there is none: where the answer is lost, one that came
    into being since then is it. */
int cf_repository_create (cf_repository_t *self, const char *owner, const char *name, const char *description, bool private,
                          cf_error_t *error);
/*  Gives an empty one its first commit. */
int cf_repository_seed (cf_repository_t *self, cf_error_t *error);
/*  Whether all there is in it is what cf_repository_seed puts there. */
bool cf_repository_is_seed (const cf_repository_t *self);
/*  Whether all there is in it is one commit with one README.md, as GitHub begins them. */
int cf_repository_is_begun (cf_repository_t *self, bool *begun, cf_error_t *error);
/*  Puts all files of a tree into `into`. */
int cf_repository_list (cf_repository_t *self, const char *tree, cf_tree_t *into, cf_error_t *error);

/*  Makes a tree of base ("": of nothing) and entries (JSON members of an array); its name. */
int cf_repository_put_tree (cf_repository_t *self, const char *base, const char *entries, char name [CF_TREE_ID_SIZE], cf_error_t *error);
/*  Stores bytes; its name. */
int cf_repository_put_blob (cf_repository_t *self, const void *bytes, size_t size, char name [CF_TREE_ID_SIZE], cf_error_t *error);
/*  Makes a commit of tree, which continues parent ("": none). */
int cf_repository_commit (cf_repository_t *self, const char *tree, const char *parent, const char *message, char commit [CF_TREE_ID_SIZE],
                          cf_error_t *error);
/*  Moves the branch to commit. forward: only if that continues it; else only if it ends where it was last seen to. *moved: somebody was
    faster, then 0, too. */
int cf_repository_move (cf_repository_t *self, const char *commit, bool forward, bool *moved, cf_error_t *error);

#endif
