/* SPDX-License-Identifier: MPL-2.0 */
/*  prefer - the Prefer header (RFC 7240): whether, and how long, a client would wait for a job's end */
#ifndef CF_EDGE_PREFER_H
#define CF_EDGE_PREFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_PREFER_WAIT_MAX_S 60u

/*  Whether value asks for wait=N, with N in *seconds, at most CF_PREFER_WAIT_MAX_S. What is not understood is no preference. */
bool cf_prefer_wait (const char *value, size_t size, uint32_t *seconds);
/*  Whether value asks for an answer at once and the work later (respond-async). */
bool cf_prefer_async (const char *value, size_t size);

#endif
