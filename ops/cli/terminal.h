/* SPDX-License-Identifier: MPL-2.0 */
/*  terminal - what the screen can do, and text that fits on it */
#ifndef CF_CLI_TERMINAL_H
#define CF_CLI_TERMINAL_H

#include "proto/base/buf.h"

#include <stdbool.h>

#define CF_BOLD "\033[1m"
#define CF_DIM "\033[2m"
#define CF_RED "\033[31m"
#define CF_GREEN "\033[32m"
#define CF_YELLOW "\033[33m"
#define CF_CYAN "\033[36m"
#define CF_PLAIN "\033[0m"

/*  Whether fd is a terminal that may be drawn on (TERM is not dumb); colours also need NO_COLOR unset. */
bool cf_terminal_is (int fd);
bool cf_terminal_coloured (int fd);
/*  Columns of the terminal, 80 where it does not say. */
unsigned cf_terminal_columns (int fd);
/*  Whether the locale speaks UTF-8. */
bool cf_terminal_utf8 (void);
/*  Appends text, which may hold anything, without control characters and cut to fit into columns cells; returns how many it took. */
unsigned cf_terminal_put (cf_buf_t *out, const char *text, unsigned columns);
/*  "45 ms", "3.2 s", "2 m 05 s", "3 h 04 m", for people. Returns text. */
char *cf_terminal_duration (unsigned long long ms, char *text, size_t size);

#endif
