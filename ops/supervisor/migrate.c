/* SPDX-License-Identifier: MPL-2.0 */
/*  migrate - brings a database to the state ops/migrations describes */

#include "ops/supervisor/migrate.h"
#include "ops/supervisor/sql.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_FILES_MAX 999
#define S_NAME_MAX 80
#define S_FILE_BYTES_MAX (1024 * 1024)

typedef struct {
    char name [S_NAME_MAX];     /* of the file, without .sql: "0001_tables" */
    char checksum [65];         /* SHA-256 of its bytes, lower-case hex */
    char *text;                 /* its bytes, NUL-terminated */
    bool applied;               /* the database has it */
} s_file_t;

typedef struct {
    s_file_t *files;            /* files [n] has number n + 1 */
    size_t count;
} s_folder_t;

/* any number that is ours alone */
#define S_LOCK "set local statement_timeout = 0; set local lock_timeout = '120s'; "                \
               "select pg_advisory_xact_lock (4859212909092237927)"

static const char s_ground [] =
    "create schema if not exists codeforge;"
    "create table if not exists codeforge.migrations ("
    "    version integer primary key,"
    "    name text not null,"
    "    checksum text not null,"
    "    applied_at timestamptz not null default now ());";

/*  ---- the folder ---- */

static int s_checksum (const char *bytes, size_t size, char hex [65])
{
    unsigned char digest [EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    if (!EVP_Digest (bytes, size, digest, &digest_size, EVP_sha256 (), NULL) || digest_size != 32)
        return -1;
    for (unsigned at = 0; at < digest_size; at++)
        snprintf (hex + 2 * at, 3, "%02x", digest [at]);
    return 0;
}

static int s_read (const char *folder, s_file_t *file, cf_error_t *error)
{
    char path [4096];
    snprintf (path, sizeof path, "%s/%s.sql", folder, file->name);
    FILE *stream = fopen (path, "re");
    if (!stream)
        return cf_error_set (error, CF_ERROR_INVALID, "cannot read the migration %s: %s", path, strerror (errno));
    cf_buf_t bytes;
    cf_buf_init (&bytes, S_FILE_BYTES_MAX);
    char chunk [16384];
    size_t size;
    while ((size = fread (chunk, 1, sizeof chunk, stream)) > 0)
        cf_buf_append (&bytes, chunk, size);
    int rc = 0;
    if (ferror (stream))
        rc = cf_error_set (error, CF_ERROR_INVALID, "cannot read the migration %s", path);
    else if (bytes.overflowed || (bytes.size > 0 && strlen (bytes.bytes) != bytes.size))
        rc = cf_error_set (error, CF_ERROR_INVALID, "the migration %s is over 1 MiB or not text", path);
    else if (s_checksum (bytes.bytes, bytes.size, file->checksum))
        rc = cf_error_set (error, CF_ERROR_INTERNAL, "SHA-256 is not available");
    else if (!(file->text = cf_buf_take (&bytes)))
        rc = cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    cf_buf_free (&bytes);
    fclose (stream);
    return rc;
}

/*  Number of a file "NNNN_some_name.sql" that S_NAME_MAX can hold; 0 for any other name. */
static unsigned s_number (const char *name)
{
    size_t size = strlen (name);
    if (size < 10 || size - 4 >= S_NAME_MAX || strcmp (name + size - 4, ".sql") || name [4] != '_')
        return 0;
    for (size_t at = 0; at < size - 4; at++) {
        unsigned char byte = (unsigned char) name [at];
        if (at < 4? !isdigit (byte): !(islower (byte) || isdigit (byte) || byte == '_'))
            return 0;
    }
    return (unsigned) strtoul (name, NULL, 10);
}

static int s_is_sql (const struct dirent *entry)
{
    size_t size = strlen (entry->d_name);
    return size > 4 && !strcmp (entry->d_name + size - 4, ".sql");
}

static void s_folder_free (s_folder_t *self)
{
    for (size_t at = 0; at < self->count; at++)
        free (self->files [at].text);
    free (self->files);
    *self = (s_folder_t) { 0 };
}

static int s_folder_load (s_folder_t *self, const char *folder, cf_error_t *error)
{
    struct dirent **entries = NULL;
    int count = scandir (folder, &entries, s_is_sql, alphasort);
    if (count < 0)
        return cf_error_set (error, CF_ERROR_INVALID, "cannot read the migrations in %s: %s", folder, strerror (errno));
    int rc = 0;
    if (count == 0 || count > S_FILES_MAX)
        rc = cf_error_set (error, CF_ERROR_INVALID, "%s holds %d migrations", folder, count);
    else if (!(self->files = calloc ((size_t) count, sizeof *self->files)))
        rc = cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    for (int at = 0; at < count && rc == 0; at++) {
        const char *name = entries [at]->d_name;
        unsigned number = s_number (name);
        if (number == 0)
            rc = cf_error_set (error, CF_ERROR_INVALID, "%s/%s is not named like a migration, 0001_some_name.sql", folder, name);
        else if (number != (unsigned) at + 1)
            rc = cf_error_set (error, CF_ERROR_INVALID, "migration %04d is missing before %s/%s, or its number is there twice",
                               at + 1, folder, name);
        else {
            s_file_t *file = &self->files [self->count++];
            snprintf (file->name, sizeof file->name, "%.*s", (int) strlen (name) - 4, name);
            rc = s_read (folder, file, error);
        }
    }
    for (int at = 0; at < count; at++)
        free (entries [at]);
    free (entries);
    return rc;
}

/*  ---- the text of a migration ---- */

/*  Past a quoted thing that begins at `at` and ends with quote; a doubled quote goes on; with escapes, so does \'. */
static const char *s_skip_quoted (const char *at, char quote, bool escapes)
{
    for (at++; *at; at++) {
        if (escapes && *at == '\\' && at [1])
            at++;
        else if (*at == quote && at [1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return at;
}

/*  Past a block comment, which nests. */
static const char *s_skip_comment (const char *at)
{
    int depth = 0;
    do {
        if (!strncmp (at, "/*", 2)) {
            depth++;
            at += 2;
        }
        else if (!strncmp (at, "*/", 2)) {
            depth--;
            at += 2;
        }
        else
            at++;
    } while (*at && depth);
    return at;
}

/*  Past $tag$ … $tag$ where one begins at `at`; else past the dollar sign ($1). */
static const char *s_skip_dollar (const char *at)
{
    size_t size = 1;
    while (isalnum ((unsigned char) at [size]) || at [size] == '_')
        size++;
    if (at [size] != '$' || isdigit ((unsigned char) at [1]))
        return at + 1;
    size++;
    for (const char *end = at + size; *end; end++)
        if (!strncmp (end, at, size))
            return end + size;
    return at + strlen (at);
}

/*  Whether the character before `at` belongs to the same word. */
static bool s_in_word (const char *start, const char *at)
{
    return at > start && (isalnum ((unsigned char) at [-1]) || at [-1] == '_');
}

/*  Past one token of SQL, as far as it matters for finding the semicolons. */
static const char *s_skip_token (const char *start, const char *at)
{
    if (*at == '\'')
        return s_skip_quoted (at, '\'', at > start && tolower (at [-1]) == 'e' && !s_in_word (start, at - 1));
    if (*at == '"')
        return s_skip_quoted (at, '"', false);
    if (*at == '$' && !s_in_word (start, at))
        return s_skip_dollar (at);
    if (!strncmp (at, "--", 2))
        return at + strcspn (at, "\n");
    if (!strncmp (at, "/*", 2))
        return s_skip_comment (at);
    return at + 1;
}

/*  Past white space and comments. */
static const char *s_skip_blank (const char *at)
{
    for (;;) {
        if (isspace ((unsigned char) *at))
            at++;
        else if (!strncmp (at, "--", 2) || !strncmp (at, "/*", 2))
            at = s_skip_token (at, at);
        else
            return at;
    }
}

/*  Line, from 1, of the character_at-th character (from 1; 0: the first) of the statement at start. */
static unsigned s_line (const char *text, const char *start, size_t character_at)
{
    const char *at = start;
    while (*at && character_at > 1) {
        at++;
        if ((*at & 0xC0) != 0x80)
            character_at--;
    }
    unsigned line = 1;
    for (const char *byte = text; byte < at; byte++)
        line += *byte == '\n';
    return line;
}

/*  Runs the statements one by one, so that a refusal can name its line. */
static int s_run_statements (cf_sql_t *sql, const s_file_t *file, cf_error_t *error)
{
    const char *start = s_skip_blank (file->text);
    while (*start) {
        const char *end = start;
        while (*end && *end != ';')
            end = s_skip_token (start, end);
        char *statement = strndup (start, (size_t) (end - start));
        if (!statement)
            return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        cf_error_t cause = { 0 };
        int rc = cf_sql_run (sql, statement, &cause);
        free (statement);
        if (rc)
            return cf_error_set (error, cause.code, "migration %s.sql, line %u: %s", file->name,
                                 s_line (file->text, start, cf_sql_fault_at (sql)), cause.text);
        start = s_skip_blank (*end? end + 1: end);
    }
    return 0;
}

/*  ---- folder and database ---- */

/*  Compares one row of codeforge.migrations with the folder. */
static int s_compare (s_folder_t *folder, const char *version, const char *name, const char *checksum, cf_error_t *error)
{
    size_t number = strtoul (version, NULL, 10);
    s_file_t *file = number >= 1 && number <= folder->count? &folder->files [number - 1]: NULL;
    if (!file)
        return cf_error_set (error, CF_ERROR_CONFLICT, "the database has migration %s, which this CodeForge does not know: "
                             "it was migrated by a newer one; run that, or a newer one still", name);
    if (strcmp (file->name, name))
        return cf_error_set (error, CF_ERROR_CONFLICT, "the database has migration %s, and the folder has %s.sql in its place: "
                             "put the file back; migrations that were applied stay as they are", name, file->name);
    if (strcmp (file->checksum, checksum))
        return cf_error_set (error, CF_ERROR_CONFLICT, "migration %s.sql was changed after it was applied: "
                             "put its former text back and write what is new into a new migration", name);
    file->applied = true;
    return 0;
}

static int s_compare_all (cf_sql_t *sql, s_folder_t *folder, cf_error_t *error)
{
    cf_sql_rows_t *rows = cf_sql_ask (sql, "select version, name, checksum from codeforge.migrations order by version",
                                      NULL, 0, error);
    if (!rows)
        return -1;
    int rc = 0;
    size_t count = cf_sql_rows_count (rows);
    for (size_t at = 0; at < count && rc == 0; at++)
        rc = s_compare (folder, cf_sql_rows_text (rows, at, 0), cf_sql_rows_text (rows, at, 1),
                        cf_sql_rows_text (rows, at, 2), error);
    cf_sql_rows_destroy (&rows);
    for (size_t at = 0; at < count && rc == 0; at++)
        if (folder->files && !folder->files [at].applied)
            rc = cf_error_set (error, CF_ERROR_CONFLICT, "the database has later migrations but lacks %s: "
                               "codeforge.migrations was tampered with", folder->files [at].name);
    return rc;
}

static int s_record (cf_sql_t *sql, unsigned version, const s_file_t *file, cf_error_t *error)
{
    char number [12];
    snprintf (number, sizeof number, "%u", version);
    const char *const values [] = { number, file->name, file->checksum };
    cf_sql_rows_t *rows = cf_sql_ask (sql, "insert into codeforge.migrations (version, name, checksum) values ($1, $2, $3)",
                                      values, 3, error);
    if (!rows)
        return -1;
    cf_sql_rows_destroy (&rows);
    return 0;
}

/*  Opens a transaction under the lock and looks again at what is applied: another may have been first. */
static int s_begin (cf_sql_t *sql, s_folder_t *folder, cf_error_t *error)
{
    if (cf_sql_run (sql, "begin", error) || cf_sql_run (sql, S_LOCK, error))
        return -1;
    cf_sql_rows_t *rows = cf_sql_ask (sql, "select to_regclass ('codeforge.migrations')", NULL, 0, error);
    if (!rows)
        return -1;
    bool grounded = *cf_sql_rows_text (rows, 0, 0) != 0;
    cf_sql_rows_destroy (&rows);
    if (!grounded && cf_sql_run (sql, s_ground, error))
        return -1;
    return s_compare_all (sql, folder, error);
}

int cf_migrate (const char *database_url, const char *folder_path, cf_error_t *error)
{
    s_folder_t folder = { 0 };
    cf_sql_t *sql = NULL;
    int applied = -1;
    if (s_folder_load (&folder, folder_path, error))
        goto done;
    sql = cf_sql_new (database_url, error);
    if (!sql || s_begin (sql, &folder, error))
        goto done;
    int count = 0;
    for (unsigned at = 0; at < folder.count; at++) {
        s_file_t *file = &folder.files [at];
        if (file->applied)
            continue;
        uint64_t started_ms = cf_clock_ms ();
        if (s_run_statements (sql, file, error) || s_record (sql, at + 1, file, error)
         || cf_sql_run (sql, "commit", error))
            goto done;
        file->applied = true;
        count++;
        cf_log_info ("migration %s applied in %u ms", file->name, (unsigned) (cf_clock_ms () - started_ms));
        if (s_begin (sql, &folder, error))
            goto done;
    }
    if (cf_sql_run (sql, "commit", error) == 0)
        applied = count;
done:
    cf_sql_destroy (&sql);
    s_folder_free (&folder);
    return applied;
}
