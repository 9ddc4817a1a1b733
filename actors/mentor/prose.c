/* SPDX-License-Identifier: MPL-2.0 */
/*  prose - a table of signs, each an expression that words do not match
 *
 *  Rejected: asking a model whether it is code. It costs a call, and says another thing when asked again from the journal.
 */

#include "actors/mentor/prose.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_PROSE_DEPTH 16

#define S "[[:space:]]*"
#define SS "[[:space:]]+"
#define NAME "[[:alpha:]_$][[:alnum:]_$]*"
#define END ";" S "($|`)"               /* a semicolon as prose does not have it */
#define APART "(^|[^[:alnum:]_])"       /* what may stand before a word */

/*  POSIX extended; ^ and $ are the ends of a line. */
static const char *const s_signs [] = {
    "```",                                                                      /* a fence */
    "^" S "~~~",
    "^" S "[])}]+[;,]?" S "$",                                                  /* a line that closes a block */
    "[{]" S "$",                                                                /* a line that opens one */
    "[{][^{}]*[:;=][^{}]*[}]",                                                  /* a block, an object, a rule on one line */
    APART "(const|let|var|int|float|double|char|bool|auto)" SS NAME "(" S ":" S NAME ")?" S "=[^=]",
    "[])[:alnum:]_]" S "[-+*/%]?=" S "[^=;?!]+" END,                            /* an assignment */
    NAME "\\(([^()s][^()]*|s[^()]+)\\)" S ";",                                  /* a call as a statement; item(s) is none */
    NAME "\\(\\)" S END,
    APART "return" SS "[^.;,?!]+" END,
    "\\)" S "(=>|[{])",                                                         /* a function, the head of a block */
    APART NAME S "=>" S "([({]|" NAME S "[-.(*+])",
    APART "function" SS NAME S "\\([^()]*\\)" S "[{]",
    APART "def" SS NAME S "\\([^()]*\\)[^:]*:",
    "^" S "(if|for|while|switch|else if|elseif)" S "\\(.*\\)" S "$",
    "^" S "(if|elif|while)" SS "[^?!]*(==|!=|<|>)[^?!]*:" S "$",
    "^" S "for" SS NAME "(," S NAME ")?" SS "in" SS "[^?!]*:" S "$",
    "^" S "class" SS NAME S "(\\(.*\\))?:" S "$",
    "^" S "import" SS ".*[\"'];?" S "$",
    "^" S "from" SS "[[:alnum:]_.]+" SS "import" SS,
    "^" S "#include" S "[<\"]",
    "</[[:alpha:]][[:alnum:]-]*" S ">",                                         /* markup */
    "<[[:alpha:]][[:alnum:]-]*(" SS "[[:alpha:]:@-]+=[\"'][^\"']*[\"'])+" S "/?>",
    APART "(SELECT" SS ".*" SS "FROM|INSERT" SS "INTO|DELETE" SS "FROM|UPDATE" SS NAME SS "SET)" SS NAME
};

#define SIGN_COUNT (sizeof s_signs / sizeof s_signs [0])

static const regex_t *
s_compiled (size_t at)
{
    static regex_t expressions [SIGN_COUNT];
    static bool done [SIGN_COUNT];
    if (!done [at] && regcomp (&expressions [at], s_signs [at], REG_EXTENDED | REG_NEWLINE))
        abort ();               /* out of memory, or the table is wrong, which its test would have shown */
    done [at] = true;
    return &expressions [at];
}

static void
s_take_sample (const char *text, const regmatch_t *match, char sample [CF_PROSE_SAMPLE])
{
    const char *from = text + match->rm_so;
    size_t size = (size_t) (match->rm_eo - match->rm_so);
    while (size && strchr (" \t\n", *from)) {
        from++;
        size--;
    }
    if (size >= CF_PROSE_SAMPLE)
        for (size = CF_PROSE_SAMPLE - 1; size && ((unsigned char) from [size] & 0xC0) == 0x80; size--)
            ;
    memcpy (sample, from, size);
    sample [size] = 0;
    for (char *at = sample; *at; at++)
        if (*at == '\n')
            *at = ' ';
}

bool
cf_prose_shows_code (const char *text, char sample [CF_PROSE_SAMPLE])
{
    regmatch_t match;
    for (size_t at = 0; at < SIGN_COUNT; at++)
        if (regexec (s_compiled (at), text, 1, &match, 0) == 0) {
            s_take_sample (text, &match, sample);
            return true;
        }
    return false;
}

static size_t
s_check (const cf_json_t *value, const char *field, int depth, cf_buf_t *complaints)
{
    char below [200], sample [CF_PROSE_SAMPLE];
    const char *dot = *field? ".": "", *key;
    cf_json_t *item;
    size_t at, count = 0;
    if (json_is_string (value) && cf_prose_shows_code (json_string_value (value), sample)) {
        cf_buf_printf (complaints, "- %s: shows code (%s); say it in words, as a question that leads there\n", *field? field: "(document)", sample);
        count++;
    }
    if (depth == CF_PROSE_DEPTH)
        return count;
    json_object_foreach ((cf_json_t *) (uintptr_t) value, key, item) {
        snprintf (below, sizeof below, "%s%s%s", field, dot, key);
        count += s_check (item, below, depth + 1, complaints);
    }
    json_array_foreach (value, at, item) {
        snprintf (below, sizeof below, "%s%s%zu", field, dot, at);
        count += s_check (item, below, depth + 1, complaints);
    }
    return count;
}

size_t
cf_prose_check (const cf_json_t *document, cf_buf_t *complaints)
{
    return s_check (document, "", 0, complaints);
}
