/* SPDX-License-Identifier: MPL-2.0 */
/*  idea - what a sentence asks for, by rules over its words
 *
 *  No model thinks here: keywords choose the family of app, phrases give its name and what it keeps. The same
 *  sentence always gives the same result, another sentence another one.
 */
#ifndef CF_SIMULATOR_IDEA_H
#define CF_SIMULATOR_IDEA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
#define FAMILY(id_, script_, item_, items_, title_, role_, goal_, pain_) CF_FAMILY_##id_,
#include "ops/simulator/families.def"
#undef FAMILY
    CF_FAMILIES
} cf_family_id_t;

typedef struct {
    const char *script;         /* stem of the domain's script */
    const char *item, *items;   /* what the app keeps, unless the idea says otherwise */
    const char *title;          /* ends a name the idea does not give */
    const char *role, *goal, *pain;
} cf_family_t;

typedef enum {
#define EXTRA(id_, stems_, feature_, description_) CF_EXTRA_##id_,
#include "ops/simulator/families.def"
#undef EXTRA
    CF_EXTRAS
} cf_extra_id_t;

#define CF_IDEA_MAX_WISHES 6

typedef struct {
    cf_family_id_t family;
    char name [160];            /* "Habit Tracker" */
    char item [48], items [48]; /* "habit", "habits" */
    char audience [96];         /* "" where the idea names none */
    unsigned extras;            /* bit cf_extra_id_t: something the family does not bring along */
    char wishes [CF_IDEA_MAX_WISHES] [96];  /* named after "with", and covered by no feature */
    size_t wish_count;
    size_t words;
    uint64_t seed;              /* follows from the name: colours, choice of words */
} cf_idea_t;

/*  Understands text (any UTF-8, any length, may be empty). */
void cf_idea_read (cf_idea_t *self, const char *text);
/*  Takes another name: the seed follows. Cut at 150 bytes. */
void cf_idea_rename (cf_idea_t *self, const char *name);
/*  Whether what the app can do answers to a word: its family's or one of its extras' rules know it. */
bool cf_idea_answers (const cf_idea_t *self, const char *word);
const cf_family_t *cf_idea_family (cf_family_id_t id);
/*  Writes name as lower-case words with dashes (at least one letter) into slug. */
void cf_idea_slug (const char *name, char *slug, size_t size);
/*  A stable 64-bit hash of size bytes. */
uint64_t cf_idea_hash (const void *bytes, size_t size);

#endif
