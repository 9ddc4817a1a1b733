/* SPDX-License-Identifier: MPL-2.0 */
/*  streams - what its handlers sign tokens with */
#ifndef CF_HANDLERS_STREAMS_H
#define CF_HANDLERS_STREAMS_H

#include "http-edge/auth.h"

/*  auth is borrowed for the life of the process. */
void cf_streams_init (cf_auth_t *auth);

#endif
