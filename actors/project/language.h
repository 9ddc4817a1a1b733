/* SPDX-License-Identifier: MPL-2.0 */
/*  language - what a file's language is called in its column */
#ifndef CF_PROJECT_LANGUAGE_H
#define CF_PROJECT_LANGUAGE_H

/*  The column's name for what models and people call a language, in any case; "text" for what it does not know. Static. */
const char *cf_language_named (const char *said);
/*  By the extension of a path; "text" for one it does not know, and for none. Static. */
const char *cf_language_of (const char *path);

#endif
