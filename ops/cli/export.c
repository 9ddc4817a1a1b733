/* SPDX-License-Identifier: MPL-2.0 */
/*  export - codeforge export: a project's files, in a folder or as an archive
 *
 *  The archive comes first, whole; only then is a file put in its place or a folder filled. So what is there is never half of it.
 */

#include "ops/cli/api.h"
#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/output.h"
#include "ops/cli/unpack.h"
#include "ops/supervisor/exits.h"
#include "proto/base/uuid.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char project [CF_UUID_SIZE];
    const char *target;
    const char *format;         /* of the archive that is asked for */
    bool force;
    int fd;                     /* the archive goes there */
    int why;                    /* it could not: errno */
    int root;                   /* the folder */
    size_t files, bytes;
} export_t;

/* ---- the archive ---- */

static cf_http_want_t
s_on_bytes (void *arg, const char *bytes, size_t size)
{
    export_t *self = arg;
    self->bytes += size;
    while (size) {
        ssize_t written = write (self->fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            self->why = errno;
            return CF_HTTP_STOP;
        }
        bytes += written;
        size -= (size_t) written;
    }
    return CF_HTTP_MORE;
}

/*  An exit status, after having said what went wrong. */
static int
s_fetch (export_t *self, cf_api_t *api, cf_task_t *task)
{
    char path [128];
    cf_error_t error = { 0 };
    snprintf (path, sizeof path, "/v1/projects/%s/export/archive?format=%s", self->project, self->format);
    if (cf_api_download (api, task, path, s_on_bytes, self, &error))
        return cf_fail (error.code == CF_ERROR_HTTP_FAILED? CF_EXIT_UNAVAILABLE: CF_EXIT_FAILED, "%s", error.text);
    if (self->why)
        return cf_fail (CF_EXIT_CANTCREATE, "the archive cannot be kept: %s.", strerror (self->why));
    return CF_EXIT_OK;
}

/* ---- to a file ---- */

static int
s_to_file (cf_api_t *api, cf_task_t *task, void *arg)
{
    export_t *self = arg;
    char partial [PATH_MAX];
    if ((size_t) snprintf (partial, sizeof partial, "%s.partial", self->target) >= sizeof partial)
        return cf_fail (CF_EXIT_CANTCREATE, "the path %.100s… is too long.", self->target);
    unlink (partial);
    self->fd = open (partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (self->fd < 0)
        return cf_fail (CF_EXIT_CANTCREATE, "cannot write %s: %s.", partial, strerror (errno));
    int status = s_fetch (self, api, task);
    if (close (self->fd) && status == CF_EXIT_OK)
        status = cf_fail (CF_EXIT_CANTCREATE, "cannot write %s: %s.", partial, strerror (errno));
    if (status == CF_EXIT_OK && rename (partial, self->target))
        status = cf_fail (CF_EXIT_CANTCREATE, "cannot write %s: %s.", self->target, strerror (errno));
    if (status == CF_EXIT_OK)
        printf ("%s\n%zu bytes\n", self->target, self->bytes);
    else
        unlink (partial);
    return status;
}

/* ---- to a folder ---- */

static int
s_on_file (void *arg, const char *path, const void *content, size_t size, bool executable, cf_error_t *error)
{
    export_t *self = arg;
    self->files++;
    self->bytes += size;
    return cf_output_put (self->root, path, content, size, executable, error);
}

static int
s_unpack (export_t *self)
{
    cf_error_t error = { 0 };
    if (lseek (self->fd, 0, SEEK_SET) < 0)
        return cf_fail (CF_EXIT_CANTCREATE, "the archive cannot be read: %s.", strerror (errno));
    self->root = cf_output_open (self->target, &error);
    self->bytes = 0;
    if (self->root < 0 || cf_unpack (self->fd, s_on_file, self, &error)) {
        if (self->root >= 0)
            close (self->root);
        return cf_fail (CF_EXIT_CANTCREATE, "%s", error.text);
    }
    close (self->root);
    printf ("%s\n%zu files, %zu bytes\n", self->target, self->files, self->bytes);
    return CF_EXIT_OK;
}

static int
s_to_folder (cf_api_t *api, cf_task_t *task, void *arg)
{
    export_t *self = arg;
    FILE *spool = tmpfile ();
    if (!spool)
        return cf_fail (CF_EXIT_CANTCREATE, "cannot make a temporary file: %s.", strerror (errno));
    self->fd = fileno (spool);
    int status = s_fetch (self, api, task);
    if (status == CF_EXIT_OK)
        status = s_unpack (self);
    fclose (spool);
    return status;
}

/* ---- the command ---- */

static bool
s_ends_with (const char *text, const char *end)
{
    size_t size = strlen (text), end_size = strlen (end);
    return size > end_size && strcmp (text + size - end_size, end) == 0;
}

/*  Whether something may be written there; if not it has been said, and *status is set. */
static bool
s_is_free (const export_t *self, const struct stat *there, int *status)
{
    if (self->force)
        return true;
    if (!S_ISDIR (there->st_mode)) {
        *status = cf_fail (CF_EXIT_CANTCREATE, "%s is there already; --force replaces it.", self->target);
        return false;
    }
    DIR *folder = opendir (self->target);
    int entries = 0;
    while (folder && readdir (folder))
        entries++;
    if (!folder)
        *status = cf_fail (CF_EXIT_CANTCREATE, "cannot look into %s: %s.", self->target, strerror (errno));
    else if (entries > 2)               /* . and .. */
        *status = cf_fail (CF_EXIT_CANTCREATE, "%s is not empty; --force writes into it, and over files of the same names.", self->target);
    if (folder)
        closedir (folder);
    return folder && entries <= 2;
}

int
cf_command_export (int argc, char **argv)
{
    const char *words [2], *user = NULL;
    export_t self = { .format = "tar.gz" };
    const cf_option_t options [] = { { "--force", &self.force, NULL }, { "--user", NULL, &user }, { NULL, NULL, NULL } };
    if (cf_options_parse (argc, argv, options, words, 2) != 2 || !*words [1])
        return cf_fail_usage (argv [0]);
    if (!cf_uuid_parse (words [0], self.project) || (user && !cf_uuid_valid (user)))
        return cf_fail (CF_EXIT_USAGE, "\"%s\" is not a UUID.", cf_uuid_valid (words [0])? user: words [0]);
    self.target = words [1];
    struct stat there;
    bool exists = stat (self.target, &there) == 0 || lstat (self.target, &there) == 0, zip = s_ends_with (self.target, ".zip");
    bool to_file = (zip || s_ends_with (self.target, ".tar.gz")) && !(exists && S_ISDIR (there.st_mode));
    int status = CF_EXIT_OK;
    if (exists && !to_file && !S_ISDIR (there.st_mode))
        return cf_fail (CF_EXIT_USAGE, "%s is no folder, and its name does not end in .zip or .tar.gz.", self.target);
    if (exists && !s_is_free (&self, &there, &status))
        return status;
    if (to_file && zip)
        self.format = "zip";
    return cf_api_converse (user, to_file? s_to_file: s_to_folder, &self);
}
