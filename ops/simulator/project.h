/* SPDX-License-Identifier: MPL-2.0 */
/*  project - the app that all agents' answers agree on
 *
 *  Made from the idea by the one who asks first; from then on read back from the requirements that later
 *  requests hand over, so that an edit by a person is followed too.
 */
#ifndef CF_SIMULATOR_PROJECT_H
#define CF_SIMULATOR_PROJECT_H

#include "ops/simulator/brief.h"
#include "ops/simulator/idea.h"

#define CF_PROJECT_MAX_FEATURES 20

typedef enum { CF_PRIORITY_MUST, CF_PRIORITY_SHOULD, CF_PRIORITY_NICE } cf_priority_t;

typedef struct {
    char name [200];
    char description [400];
    cf_priority_t priority;
} cf_feature_t;

typedef struct {
    const char *accent, *deep, *soft, *glow;    /* #rrggbb, white text is readable on the first two */
} cf_palette_t;

typedef struct {
    cf_idea_t idea;
    char pitch [500];
    cf_feature_t features [CF_PROJECT_MAX_FEATURES];
    size_t feature_count;
    char unbuilt [400];                         /* wishes no feature covers, joined by commas */
    cf_palette_t palette;
} cf_project_t;

/*  Plans the project of a request. */
void cf_project_plan (cf_project_t *self, const cf_brief_t *brief);
/*  "must-have", "should-have", "nice-to-have" */
const char *cf_project_priority (cf_priority_t priority);
/*  Copies text with at most max code points, cut at a boundary, into out (size bytes). Returns out. */
char *cf_project_cut (const char *text, size_t max, char *out, size_t size);

#endif
