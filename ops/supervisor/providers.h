/* SPDX-License-Identifier: MPL-2.0 */
/*  providers - whether any model provider is configured, and where the simulator stands in for them
 *
 *  The rows are those of actors/providers/providers.def.
 */
#ifndef CF_SUPERVISOR_PROVIDERS_H
#define CF_SUPERVISOR_PROVIDERS_H

#include "proto/base/config.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *name;           /* "openai" */
    const char *base_setting;   /* name of the setting of its base URL … */
    const char *key_setting;    /* … and of its key */
    const char *public_url;     /* base URL where none is set */
    const char *key_header;     /* "Authorization: Bearer ": header line but for the key */
} cf_providers_row_t;

/*  Row by its place; NULL behind the last. Static storage. */
const cf_providers_row_t *cf_providers_at (size_t at);
/*  Value of one of a row's settings, "" where it is not set. */
const char *cf_providers_value (const char *setting);
/*  Whether a key or a base URL of any provider is set: then the simulator has no place here. */
bool cf_providers_configured (void);
/*  Sets PROVIDERS, by which those who get no key know what is configured: the names of those that are; simulated: all. */
void cf_providers_announce (bool simulated);
/*  Sets every base URL to the simulator on 127.0.0.1:port, which answers below the public URL's path. */
void cf_providers_simulate (const char *port);

#endif
