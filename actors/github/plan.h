/* SPDX-License-Identifier: MPL-2.0 */
/*  plan - which calls bring a project into a repository, by what is there
 *
 *  GitHub takes all files of a commit in one call, as a tree; but an empty repository takes no tree at all. So a new one is made with
 *  a first commit of GitHub's, which the export's own then replaces: four calls that write, and one commit in the end.
 *
 *  The one call that could lose something is the one that moves a branch to a commit which does not continue it. It is in the plan only
 *  where all there is to lose was left by an export.
 */
#ifndef CF_GITHUB_PLAN_H
#define CF_GITHUB_PLAN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    CF_PLAN_ABSENT,             /* there is no repository of that name */
    CF_PLAN_EMPTY,              /* there is one, without a commit */
    CF_PLAN_BEGUN,              /* an export that did not come to its end left it, with nothing of anybody else's in it */
    CF_PLAN_FILLED,             /* it has commits */
    CF_PLAN_FINISHED,           /* it ends with the commit that this very job made */
    CF_PLAN_STATES
} cf_plan_state_t;

typedef enum {
    CF_PLAN_CREATE,             /* the repository, with a first commit of GitHub's */
    CF_PLAN_SEED,               /* a first commit, of one file */
    CF_PLAN_TREE,               /* the files, and nothing else: a call for every few megabytes */
    CF_PLAN_TREE_ON_TOP,        /* the files, over those that are there */
    CF_PLAN_COMMIT,             /* that stands alone */
    CF_PLAN_COMMIT_ON_TOP,      /* that continues the branch */
    CF_PLAN_REPLACE,            /* moves the branch to the commit, if it still is where it was seen */
    CF_PLAN_ADVANCE             /* moves the branch forward, which GitHub refuses where it moved meanwhile */
} cf_plan_call_t;

#define CF_PLAN_CALLS_MAX 5u

typedef struct {
    bool refused;               /* nothing may be done */
    size_t count;
    cf_plan_call_t calls [CF_PLAN_CALLS_MAX];
} cf_plan_t;

/*  Static storage. */
const cf_plan_t *cf_plan (cf_plan_state_t state, bool update);
/*  "ABSENT" …; static storage. */
const char *cf_plan_state_name (cf_plan_state_t state);

#endif
