/* SPDX-License-Identifier: MPL-2.0 */
/*  program - looks through PATH as a shell does */

#include "ops/cli/program.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
s_is_in_path (const struct stat *program)
{
    const char *at = getenv ("PATH");
    while (at && *at) {
        char path [PATH_MAX];
        struct stat found;
        int length = (int) strcspn (at, ":");
        if (length && snprintf (path, sizeof path, "%.*s/codeforge", length, at) < (int) sizeof path && stat (path, &found) == 0
            && S_ISREG (found.st_mode) && access (path, X_OK) == 0)
            return found.st_dev == program->st_dev && found.st_ino == program->st_ino;
        at += length + (at [length] == ':');
    }
    return false;
}

const char *
cf_program_name (void)
{
    static char path [PATH_MAX];
    char here [PATH_MAX];
    struct stat program;
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0 || stat ("/proc/self/exe", &program) || s_is_in_path (&program))
        return "codeforge";
    path [size] = 0;
    if (!getcwd (here, sizeof here))
        return path;
    size_t length = strlen (here);
    bool below = strncmp (path, here, length) == 0 && path [length] == '/';
    return below? path + length + 1: path;
}
