/* SPDX-License-Identifier: MPL-2.0 */
/*  tree - entries by path; named in one walk over them in order, with the folders that are open on a stack
 *
 *  Within a folder git orders entries by bytes, a folder as if its name ended with a slash. That is the order of whole paths by bytes.
 */

#include "actors/github/tree.h"
#include "proto/base/buf.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_TREE_DEPTH_MAX 256u
#define CF_TREE_FOLDER_BYTES ((size_t) CF_TREE_FILES_MAX * 300u)

struct cf_tree_t {
    cf_tree_entry_t *entries;
};

/*  A folder while its entries are collected. */
typedef struct {
    const char *name;                   /* within the path of the entry that opened it */
    size_t size;
    cf_buf_t listing;                   /* "MODE NAME\0ID" an entry */
} folder_t;

cf_tree_t *
cf_tree_new (void)
{
    return calloc (1, sizeof (cf_tree_t));
}

static void
s_drop (cf_tree_t *self, cf_tree_entry_t *entry)
{
    HASH_DEL (self->entries, entry);
    free (entry->path);
    free (entry);
}

void
cf_tree_destroy (cf_tree_t **self_p)
{
    cf_tree_t *self = *self_p;
    if (!self)
        return;
    cf_tree_entry_t *entry, *next;
    HASH_ITER (hh, self->entries, entry, next)
        s_drop (self, entry);
    free (self);
    *self_p = NULL;
}

/* ---- entries ---- */

bool
cf_tree_path_is_fit (const char *path)
{
    size_t depth = 1;
    if (strlen (path) > CF_TREE_PATH_MAX || strchr (path, '\\'))
        return false;
    for (const char *part = path;; part++, depth++) {
        size_t size = strcspn (part, "/");
        if (!size || (size == 1 && *part == '.') || (size == 2 && strncmp (part, "..", 2) == 0)
            || (size == 4 && strncasecmp (part, ".git", 4) == 0))
            return false;
        part += size;
        if (!*part)
            return depth <= CF_TREE_DEPTH_MAX;
    }
}

static cf_tree_entry_t *
s_lookup (const cf_tree_t *self, const char *path)
{
    cf_tree_entry_t *entry;
    HASH_FIND_STR (self->entries, path, entry);
    return entry;
}

static cf_tree_entry_t *
s_add (cf_tree_t *self, const char *path)
{
    cf_tree_entry_t *entry = calloc (1, sizeof *entry);
    if (!entry || !(entry->path = strdup (path))) {
        free (entry);
        return NULL;
    }
    HASH_ADD_KEYPTR (hh, self->entries, entry->path, strlen (entry->path), entry);
    return entry;
}

int
cf_tree_put (cf_tree_t *self, const char *path, cf_tree_mode_t mode, const unsigned char id [CF_TREE_ID_BYTES], cf_error_t *error)
{
    if (!cf_tree_path_is_fit (path))
        return cf_error_set (error, CF_ERROR_INVALID, "git has no room for a file named %.300s: rename it.", path);
    cf_tree_entry_t *entry = s_lookup (self, path);
    if (!entry && HASH_COUNT (self->entries) >= CF_TREE_FILES_MAX)
        return cf_error_set (error, CF_ERROR_INVALID, "A repository takes at most %u files here.", CF_TREE_FILES_MAX);
    if (!entry && !(entry = s_add (self, path)))
        return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    entry->mode = mode;
    memcpy (entry->id, id, CF_TREE_ID_BYTES);
    return 0;
}

void
cf_tree_remove (cf_tree_t *self, const char *path)
{
    cf_tree_entry_t *entry = s_lookup (self, path);
    if (entry)
        s_drop (self, entry);
}

const cf_tree_entry_t *
cf_tree_lookup (const cf_tree_t *self, const char *path)
{
    return s_lookup (self, path);
}

const cf_tree_entry_t *
cf_tree_first (const cf_tree_t *self)
{
    return self->entries;
}

size_t
cf_tree_count (const cf_tree_t *self)
{
    return HASH_COUNT (self->entries);
}

bool
cf_tree_has_top (const cf_tree_t *self, const char *name, bool with_ending)
{
    size_t size = strlen (name);
    for (const cf_tree_entry_t *entry = self->entries; entry; entry = entry->hh.next)
        if (strncasecmp (entry->path, name, size) == 0 && !strchr (entry->path, '/')
            && (!entry->path [size] || (with_ending && entry->path [size] == '.')))
            return true;
    return false;
}

cf_tree_mode_t
cf_tree_mode_of (const char *path, const char *content)
{
    size_t size = strlen (path);
    bool script = (size > 3 && strcmp (path + size - 3, ".sh") == 0) || strncmp (content, "#!", 2) == 0;
    return script? CF_TREE_SCRIPT: CF_TREE_FILE;
}

/* ---- names ---- */

static void
s_name_object (const char *kind, const void *bytes, size_t size, unsigned char id [CF_TREE_ID_BYTES])
{
    char head [32];
    int head_size = snprintf (head, sizeof head, "%s %zu", kind, size);
    EVP_MD_CTX *context = EVP_MD_CTX_new ();
    if (!context || EVP_DigestInit_ex (context, EVP_sha1 (), NULL) != 1)
        abort ();                       /* out of memory: the supervisor restarts the process */
    EVP_DigestUpdate (context, head, (size_t) head_size + 1);
    EVP_DigestUpdate (context, bytes, size);
    EVP_DigestFinal_ex (context, id, NULL);
    EVP_MD_CTX_free (context);
}

void
cf_tree_name_content (const void *bytes, size_t size, unsigned char id [CF_TREE_ID_BYTES])
{
    s_name_object ("blob", bytes, size, id);
}

char *
cf_tree_print_id (const unsigned char id [CF_TREE_ID_BYTES], char text [CF_TREE_ID_SIZE])
{
    for (size_t at = 0; at < CF_TREE_ID_BYTES; at++)
        snprintf (text + 2 * at, 3, "%02x", id [at]);
    return text;
}

bool
cf_tree_parse_id (const char *text, unsigned char id [CF_TREE_ID_BYTES])
{
    if (strlen (text) != CF_TREE_ID_SIZE - 1 || strspn (text, "0123456789abcdef") != CF_TREE_ID_SIZE - 1)
        return false;
    for (size_t at = 0; at < CF_TREE_ID_BYTES; at++) {
        char pair [3] = { text [2 * at], text [2 * at + 1], 0 };
        id [at] = (unsigned char) strtoul (pair, NULL, 16);
    }
    return true;
}

static int
s_compare (const void *left, const void *right)
{
    return strcmp ((*(cf_tree_entry_t *const *) left)->path, (*(cf_tree_entry_t *const *) right)->path);
}

/*  The entries in git's order, yours to free; NULL when out of memory. */
static cf_tree_entry_t **
s_sorted (const cf_tree_t *self)
{
    size_t count = HASH_COUNT (self->entries), at = 0;
    cf_tree_entry_t **sorted = malloc ((count + 1) * sizeof *sorted);
    if (!sorted)
        return NULL;
    for (cf_tree_entry_t *entry = self->entries; entry; entry = entry->hh.next)
        sorted [at++] = entry;
    qsort (sorted, count, sizeof *sorted, s_compare);
    return sorted;
}

/*  No file may have the name of a folder: looked up for each folder of each path. */
static int
s_check_folders (const cf_tree_t *self, cf_error_t *error)
{
    for (const cf_tree_entry_t *entry = self->entries; entry; entry = entry->hh.next)
        for (const char *slash = strchr (entry->path, '/'); slash; slash = strchr (slash + 1, '/')) {
            cf_tree_entry_t *file;
            HASH_FIND (hh, self->entries, entry->path, (size_t) (slash - entry->path), file);
            if (file)
                return cf_error_set (error, CF_ERROR_INVALID, "%.200s cannot be both a file and the folder of %.200s: rename one of them.",
                                     file->path, entry->path);
        }
    return 0;
}

static void
s_list (cf_buf_t *listing, unsigned mode, const char *name, size_t size, const unsigned char id [CF_TREE_ID_BYTES])
{
    cf_buf_printf (listing, "%o %.*s", mode, (int) size, name);
    cf_buf_putc (listing, 0);
    cf_buf_append (listing, id, CF_TREE_ID_BYTES);
}

/*  Names the innermost open folder and lists it in the one around it. */
static void
s_close (folder_t *folders, size_t depth)
{
    unsigned char id [CF_TREE_ID_BYTES];
    folder_t *folder = &folders [depth];
    s_name_object ("tree", folder->listing.bytes, folder->listing.size, id);
    s_list (&folders [depth - 1].listing, 040000, folder->name, folder->size, id);
    cf_buf_free (&folder->listing);
}

/*  Lists one entry, after closing the folders it is not in and opening those it is in; how many are open then. */
static size_t
s_enter (folder_t *folders, size_t depth, const cf_tree_entry_t *entry)
{
    size_t at = 1;
    const char *name = entry->path;
    for (const char *slash; at < depth && (slash = strchr (name, '/')); at++, name = slash + 1)
        if ((size_t) (slash - name) != folders [at].size || strncmp (name, folders [at].name, folders [at].size))
            break;
    while (depth > at)
        s_close (folders, --depth);
    for (const char *slash; (slash = strchr (name, '/')); name = slash + 1) {
        folders [depth] = (folder_t) { .name = name, .size = (size_t) (slash - name) };
        cf_buf_init (&folders [depth++].listing, CF_TREE_FOLDER_BYTES);
    }
    s_list (&folders [depth - 1].listing, (unsigned) entry->mode, name, strlen (name), entry->id);
    return depth;
}

int
cf_tree_name (const cf_tree_t *self, char name [CF_TREE_ID_SIZE], cf_error_t *error)
{
    if (s_check_folders (self, error))
        return -1;
    cf_tree_entry_t **sorted = s_sorted (self);
    folder_t *folders = calloc (CF_TREE_DEPTH_MAX, sizeof *folders);
    if (!sorted || !folders)
        abort ();                       /* out of memory: the supervisor restarts the process */
    size_t depth = 1;
    cf_buf_init (&folders [0].listing, CF_TREE_FOLDER_BYTES);
    for (size_t at = 0; at < HASH_COUNT (self->entries); at++)
        depth = s_enter (folders, depth, sorted [at]);
    while (depth > 1)
        s_close (folders, --depth);
    unsigned char id [CF_TREE_ID_BYTES];
    s_name_object ("tree", folders [0].listing.bytes, folders [0].listing.size, id);
    cf_tree_print_id (id, name);
    cf_buf_free (&folders [0].listing);
    free (folders);
    free (sorted);
    return 0;
}
