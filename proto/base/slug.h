/* SPDX-License-Identifier: MPL-2.0 */
/*  slug - names made from an idea */
#ifndef CF_BASE_SLUG_H
#define CF_BASE_SLUG_H

#define CF_SLUG_SIZE 61                 /* 60 characters and the NUL */
#define CF_SLUG_TITLE_POINTS 200        /* code points of a project's title */
#define CF_SLUG_TITLE_SIZE (4 * CF_SLUG_TITLE_POINTS + 1)

/*  The name of a folder: lower-case ASCII letters and digits, every run of anything else one '-', none at the ends, cut at a
    word; accents of Latin letters are dropped. "app" where nothing is left. Returns slug. */
char *cf_slug_make (const char *idea, char slug [CF_SLUG_SIZE]);
/*  The title of a project: one line, at most CF_SLUG_TITLE_POINTS code points, cut at a word, at least three characters. Returns
    title. */
char *cf_slug_title (const char *idea, char title [CF_SLUG_TITLE_SIZE]);

#endif
