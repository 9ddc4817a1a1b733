/* SPDX-License-Identifier: MPL-2.0 */
/*  options - what stands on a command's line */

#include "ops/cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  The row of the word, with *value where it has the form --name=value. */
static const cf_option_t *
s_lookup (const cf_option_t *options, const char *word, const char **value)
{
    *value = NULL;
    for (const cf_option_t *option = options; option && option->name; option++) {
        size_t size = strlen (option->name);
        if (strcmp (option->name, word) == 0)
            return option;
        if (option->value && strncmp (option->name, word, size) == 0 && word [size] == '=') {
            *value = word + size + 1;
            return option;
        }
    }
    return NULL;
}

int
cf_options_parse (int argc, char **argv, const cf_option_t *options, const char **words, size_t max)
{
    size_t count = 0;
    bool ended = false;
    for (int at = 1; at < argc; at++) {
        const char *word = argv [at], *value;
        if (!ended && strcmp (word, "--") == 0) {
            ended = true;
            continue;
        }
        if (ended || *word != '-' || word [1] == 0) {
            if (count == max) {
                fprintf (stderr, "codeforge %s: \"%s\" is one word too many\n", argv [0], word);
                return -1;
            }
            words [count++] = word;
            continue;
        }
        const cf_option_t *option = s_lookup (options, word, &value);
        if (!option) {
            fprintf (stderr, "codeforge %s: there is no option %s\n", argv [0], word);
            return -1;
        }
        if (option->flag)
            *option->flag = true;
        else if (value || at + 1 < argc)
            *option->value = value? value: argv [++at];
        else {
            fprintf (stderr, "codeforge %s: %s wants a value\n", argv [0], word);
            return -1;
        }
    }
    return (int) count;
}

int
cf_options_number (const char *option, const char *text, unsigned long least, unsigned long most, unsigned long *number)
{
    char *end;
    errno = 0;
    *number = strtoul (text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno && *number >= least && *number <= most)
        return 0;
    fprintf (stderr, "codeforge: %s wants a whole number from %lu to %lu, not \"%s\"\n", option, least, most, text);
    return -1;
}
