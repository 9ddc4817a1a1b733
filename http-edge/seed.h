/* SPDX-License-Identifier: MPL-2.0 */
/*  seed - a random secret in a file, made once by whichever process comes first */
#ifndef CF_EDGE_SEED_H
#define CF_EDGE_SEED_H

#include "proto/base/error.h"

#define CF_SEED_SIZE 65                 /* 64 hexadecimal digits and the NUL */

/*  Reads the secret at path into seed, after having made it with mode 0600, in its folder (0700), where it is absent. 0, or -1 with error. */
int cf_seed_read (const char *path, char seed [CF_SEED_SIZE], cf_error_t *error);

#endif
