/* SPDX-License-Identifier: MPL-2.0 */
/*  options - what stands on a command's line */
#ifndef CF_CLI_OPTIONS_H
#define CF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *name;           /* "--json", "-f"; NULL ends the table */
    bool *flag;                 /* set to true where it is given … */
    const char **value;         /* … or to what follows it, also as --name=value */
} cf_option_t;

/*  Takes the options, wherever they stand, and at most max other words into words; "--" ends the options. Number of words, or
    -1 with a message on stderr for an unknown option, a missing value or a word too many. */
int cf_options_parse (int argc, char **argv, const cf_option_t *options, const char **words, size_t max);

/*  A whole number from text within least..most. 0, or -1 with a message on stderr that names the option. */
int cf_options_number (const char *option, const char *text, unsigned long least, unsigned long most, unsigned long *number);

#endif
