/* SPDX-License-Identifier: MPL-2.0 */
/*  seed - written under another name and linked, so that nobody reads half of it and the first one stays */

#include "http-edge/seed.h"
#include "proto/base/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
s_make (const char *path)
{
    char fresh [4096], text [CF_SEED_SIZE];
    uint8_t random [(CF_SEED_SIZE - 1) / 2];
    snprintf (fresh, sizeof fresh, "%s", path);
    char *slash = strrchr (fresh, '/');
    if (slash) {
        *slash = 0;
        mkdir (fresh, 0700);
    }
    snprintf (fresh, sizeof fresh, "%s.%ld", path, (long) getpid ());
    cf_uuid_random (random, sizeof random);
    for (size_t at = 0; at < sizeof random; at++)
        snprintf (text + 2 * at, 3, "%02x", random [at]);
    unlink (fresh);
    int fd = open (fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    bool whole = write (fd, text, sizeof text - 1) == sizeof text - 1 && fsync (fd) == 0;
    close (fd);
    int linked = whole? link (fresh, path): -1;
    (void) linked;              /* where another process was first, its secret is read; other faults show when it is */
    unlink (fresh);
}

int
cf_seed_read (const char *path, char seed [CF_SEED_SIZE], cf_error_t *error)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        s_make (path);
        fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    ssize_t got = fd < 0? -1: read (fd, seed, CF_SEED_SIZE);
    int saved = errno;
    if (fd >= 0)
        close (fd);
    if (got < 0)
        return cf_error_set (error, CF_ERROR_INTERNAL, "%s: %s", path, strerror (saved));
    if (got != CF_SEED_SIZE - 1)
        return cf_error_set (error, CF_ERROR_INTERNAL, "%s is damaged; remove it, and the next start makes another", path);
    seed [CF_SEED_SIZE - 1] = 0;
    return 0;
}
