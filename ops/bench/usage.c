/* SPDX-License-Identifier: MPL-2.0 */
/*  usage - what each process really uses: PSS (its share of what is shared) and RSS from /proc/PID/smaps_rollup, time from
 *  /proc/PID/stat
 *
 *  PostgreSQL's processes are the descendants of the one that runs it; they are shown together and not part of the sum.
 */

#include "ops/bench/commands.h"
#include "ops/bench/samples.h"
#include "ops/bench/usage.h"
#include "proto/base/json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATUS_MAX (1u << 20)

/*  User and system time of all its threads: the 14th and 15th field, counted behind the name, which may hold anything. */
static uint64_t
s_cpu_ms (long pid)
{
    char path [64], text [1024];
    unsigned long long user = 0, kernel = 0;
    snprintf (path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen (path, "r");
    size_t size = file? fread (text, 1, sizeof text - 1, file): 0;
    text [size] = 0;
    const char *rest = strrchr (text, ')');
    if (!rest || sscanf (rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
        user = kernel = 0;
    if (file)
        fclose (file);
    return (user + kernel) * 1000 / (unsigned long long) sysconf (_SC_CLK_TCK);
}

void
cf_usage_add (cf_usage_t *self, long pid)
{
    char path [64], line [256];
    unsigned long long kb;
    snprintf (path, sizeof path, "/proc/%ld/smaps_rollup", pid);
    FILE *file = fopen (path, "r");
    if (!file)
        return;
    self->processes++;
    self->cpu_ms += s_cpu_ms (pid);
    while (fgets (line, sizeof line, file))
        if (sscanf (line, "Pss: %llu kB", &kb) == 1)
            self->pss_kb += kb;
        else if (sscanf (line, "Rss: %llu kB", &kb) == 1)
            self->rss_kb += kb;
    fclose (file);
}

static void
s_add_tree (cf_usage_t *self, long pid)
{
    char path [64];
    long child;
    cf_usage_add (self, pid);
    snprintf (path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
    FILE *file = fopen (path, "r");
    while (file && fscanf (file, "%ld", &child) == 1)
        s_add_tree (self, child);
    if (file)
        fclose (file);
}

static void
s_show (const char *name, const cf_usage_t *usage)
{
    printf ("usage\t%s\t%.1f\t%.1f\t%llu\n", name, (double) usage->pss_kb / 1024, (double) usage->rss_kb / 1024, (unsigned long long) usage->cpu_ms);
}

/*  The document, or NULL after a line on stderr. */
static cf_json_t *
s_read_status (FILE *file)
{
    static char text [STATUS_MAX];
    cf_error_t error = { 0 };
    size_t size = fread (text, 1, sizeof text, file);
    cf_json_t *status = cf_json_parse (text, size, &error);
    if (!status)
        fprintf (stderr, "codeforge status --json: %s\n", error.text);
    return status;
}

long
cf_usage_pid (FILE *file, const char *name)
{
    cf_json_t *status = s_read_status (file), *process;
    long pid = 0;
    size_t at;
    json_array_foreach (json_object_get (status, "processes"), at, process)
        if (strcmp (cf_json_str (process, "name", ""), name) == 0)
            pid = (long) cf_json_int (process, "pid", 0);
    json_decref (status);
    if (!pid)
        fprintf (stderr, "there is no process %s\n", name);
    return pid;
}

int
cf_load_usage (const cf_load_options_t *options)
{
    cf_json_t *status = s_read_status (stdin), *process;
    size_t at;
    if (!status)
        return 1;
    cf_usage_t all = { 0 };
    cf_usage_add (&all, (long) cf_json_int (status, "pid", 0));
    s_show ("supervisor", &all);
    json_array_foreach (json_object_get (status, "processes"), at, process) {
        cf_usage_t one = { 0 };
        const char *service = cf_json_str (process, "service", "");
        bool database = strcmp (service, "postgres") == 0;
        long pid = (long) cf_json_int (process, "pid", 0);
        if (!pid)
            continue;
        if (database)
            s_add_tree (&one, pid);
        else
            cf_usage_add (&one, pid);
        s_show (cf_json_str (process, "name", "?"), &one);
        if (!database) {
            all.pss_kb += one.pss_kb;
            all.rss_kb += one.rss_kb;
            all.processes += one.processes;
        }
    }
    json_decref (status);
    char name [64];
    snprintf (name, sizeof name, "%s_pss", options->name);
    cf_figure (name, (double) all.pss_kb / 1024, "MB");
    snprintf (name, sizeof name, "%s_rss", options->name);
    cf_figure (name, (double) all.rss_kb / 1024, "MB");
    return all.processes? 0: 1;
}
