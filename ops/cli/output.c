/* SPDX-License-Identifier: MPL-2.0 */
/*  output - folder by folder with openat and O_NOFOLLOW: a link that somebody put there leads nowhere */

#include "ops/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_FILE ".codeforge"
#define CF_OUTPUT_PATH_MAX 500
#define CF_OUTPUT_SEGMENT_MAX NAME_MAX

bool
cf_output_path_is_safe (const char *path)
{
    size_t size = strlen (path);
    if (!size || size > CF_OUTPUT_PATH_MAX)
        return false;
    for (const char *at = path; *at; at++)
        if ((unsigned char) *at < 0x20 || *at == 0x7F || *at == '\\')
            return false;
    for (const char *segment = path;;) {
        size_t length = strcspn (segment, "/");
        if (!length || length > CF_OUTPUT_SEGMENT_MAX || (length == 1 && *segment == '.')
            || (length == 2 && strncmp (segment, "..", 2) == 0))
            return false;
        if (!segment [length])
            return true;
        segment += length + 1;
    }
}

/*  Opens the folder that holds path, making folders where make says so; *name is set to the last segment. -1 with errno. */
static int
s_open_parent (int root, const char *path, bool make, const char **name)
{
    int folder = fcntl (root, F_DUPFD_CLOEXEC, 3);
    for (*name = path; folder >= 0 && strchr (*name, '/'); *name = strchr (*name, '/') + 1) {
        char segment [CF_OUTPUT_SEGMENT_MAX + 1];
        snprintf (segment, sizeof segment, "%.*s", (int) strcspn (*name, "/"), *name);
        if (make)
            mkdirat (folder, segment, 0777);
        int next = openat (folder, segment, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int why = errno;
        close (folder);
        errno = why;
        folder = next;
    }
    return folder;
}

static int
s_write_all (int file, const char *content, size_t size)
{
    ssize_t written = 0;
    for (size_t done = 0; done < size; done += (size_t) written)
        if ((written = write (file, content + done, size - done)) <= 0)
            return -1;
    return 0;
}

/*  A new file takes the place of the old one, so that a link or a device there is replaced and not written through. */
int
cf_output_put (int root, const char *path, const void *content, size_t size, bool executable, cf_error_t *error)
{
    const char *name;
    char fresh [64];
    if (!cf_output_path_is_safe (path))
        return cf_error_set (error, CF_ERROR_INVALID, "a file's path leads out of the folder, or is too long.");
    snprintf (fresh, sizeof fresh, ".codeforge-new-%ld", (long) getpid ());
    int folder = s_open_parent (root, path, true, &name);
    int file = folder < 0? -1: openat (folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, executable? 0777: 0666);
    int result = file >= 0 && s_write_all (file, content, size) == 0 && renameat (folder, fresh, folder, name) == 0? 0: -1;
    if (result)
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot write %s: %s.", path, strerror (errno));
    if (file >= 0)
        close (file);
    if (result && file >= 0)
        unlinkat (folder, fresh, 0);
    if (folder >= 0)
        close (folder);
    return result;
}

static bool
s_contains (const cf_json_t *files, const char *path)
{
    size_t at;
    cf_json_t *file;
    json_array_foreach (files, at, file)
        if (strcmp (cf_json_str (file, "path", ""), path) == 0)
            return true;
    return false;
}

/*  Removes what the list of the earlier run names and files no longer holds. */
static void
s_remove_former (int root, const cf_json_t *files)
{
    int fd = openat (root, LIST_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    FILE *list = fd < 0? NULL: fdopen (fd, "r");
    char path [CF_OUTPUT_PATH_MAX + 2];
    while (list && fgets (path, sizeof path, list)) {
        path [strcspn (path, "\n")] = 0;
        const char *name;
        if (!cf_output_path_is_safe (path) || s_contains (files, path))
            continue;
        int folder = s_open_parent (root, path, false, &name);
        if (folder >= 0) {
            unlinkat (folder, name, 0);
            close (folder);
        }
    }
    if (list)
        fclose (list);
}

static int
s_write_files (cf_output_t *self, int root, const cf_json_t *files, cf_error_t *error)
{
    cf_buf_t list;
    cf_buf_init (&list, 1u << 20);
    size_t at;
    cf_json_t *file;
    int result = 0;
    json_array_foreach (files, at, file) {
        const char *path = cf_json_str (file, "path", ""), *content = cf_json_str (file, "content", NULL);
        if (!content || !cf_output_path_is_safe (path) || strcmp (path, LIST_FILE) == 0) {
            self->refused++;
            continue;
        }
        size_t size = json_string_length (json_object_get (file, "content"));
        if ((result = cf_output_put (root, path, content, size, false, error)))
            break;
        self->count++;
        self->bytes += size;
        cf_buf_printf (&list, "%s\n", path);
    }
    if (result == 0) {
        s_remove_former (root, files);
        result = cf_output_put (root, LIST_FILE, list.bytes, list.size, false, error);
    }
    cf_buf_free (&list);
    return result;
}

int
cf_output_open (const char *folder, cf_error_t *error)
{
    char path [PATH_MAX];
    if ((size_t) snprintf (path, sizeof path, "%s", folder) >= sizeof path)
        return cf_error_set (error, CF_ERROR_INVALID, "the path %.100s… is too long.", folder);
    for (char *at = path + 1; *path && *at; at++)
        if (*at == '/') {
            *at = 0;
            mkdir (path, 0777);
            *at = '/';
        }
    int root = mkdir (path, 0777) && errno != EEXIST? -1: open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root >= 0? root: cf_error_set (error, CF_ERROR_INTERNAL, "cannot make the folder %.200s: %s.", path, strerror (errno));
}

int
cf_output_write (cf_output_t *self, const char *out, const char *slug, const cf_json_t *files, cf_error_t *error)
{
    char folder [PATH_MAX];
    *self = (cf_output_t) { .count = 0 };
    if ((size_t) snprintf (folder, sizeof folder, "%s/%s", out, slug) >= sizeof folder)
        return cf_error_set (error, CF_ERROR_INVALID, "the path %.100s… is too long.", out);
    int root = cf_output_open (folder, error);
    if (root < 0)
        return -1;
    if (!realpath (folder, self->folder))
        snprintf (self->folder, sizeof self->folder, "%s", folder);
    int result = s_write_files (self, root, files, error);
    close (root);
    return result;
}

static bool
s_has (const cf_output_t *self, const char *name)
{
    char path [PATH_MAX + 64];
    snprintf (path, sizeof path, "%s/%s", self->folder, name);
    return access (path, R_OK) == 0;
}

/*  The script that starts it, by package.json. */
static const char *
s_script (const cf_output_t *self)
{
    char path [PATH_MAX + 64];
    snprintf (path, sizeof path, "%s/package.json", self->folder);
    cf_json_t *package = cf_json_load (path, NULL), *scripts = json_object_get (package, "scripts");
    const char *found = json_object_get (scripts, "dev")? "npm install && npm run dev":
                        json_object_get (scripts, "start")? "npm install && npm start": NULL;
    json_decref (package);
    return found;
}

const char *
cf_output_hint (const cf_output_t *self)
{
    static char hint [PATH_MAX + 128];
    const char *script = s_has (self, "package.json")? s_script (self): NULL;
    if (script)
        snprintf (hint, sizeof hint, "cd %s && %s", self->folder, script);
    else if (s_has (self, "index.html") || s_has (self, "public/index.html"))
        snprintf (hint, sizeof hint, "file://%s/%s", self->folder, s_has (self, "index.html")? "index.html": "public/index.html");
    else if (s_has (self, "README.md"))
        snprintf (hint, sizeof hint, "%s/README.md says how", self->folder);
    else
        return NULL;
    return hint;
}
