/* SPDX-License-Identifier: MPL-2.0 */
/*  logline - what is done to a line that a process wrote: made one JSON object, and shown to people */
#ifndef CF_SUPERVISOR_LOGLINE_H
#define CF_SUPERVISOR_LOGLINE_H

#include "proto/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define CF_LOGLINE_MAX 16384            /* bytes of a line as it came; what is longer was cut */

/*  Appends line as a JSON object with a newline: as it is where it is one, else wrapped as {"time", "level": "info",
    "process", "text"}. Blank lines append nothing. 0, or -1 when out refused. */
int cf_logline_normalise (const char *line, size_t size, const char *process, uint64_t wall_us, cf_buf_t *out);
/*  Appends "12:34:56.789 info    edge.1       text" and a newline for such an object; control characters are shown, never
    sent to the terminal. Where it is none, appends it as text. */
void cf_logline_render (const char *line, size_t size, bool coloured, cf_buf_t *out);
/*  Whether such an object is of process: its full name ("edge.1") or its service ("edge"). */
bool cf_logline_is_of (const char *line, size_t size, const char *process);

#endif
