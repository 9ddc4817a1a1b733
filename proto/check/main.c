/* SPDX-License-Identifier: MPL-2.0 */
/*  check - a build step: every schema of ours compiles strictly and accepts its own examples
 *
 *  usage: check FILE…; exit 1 with a line a fault.
 */

#include "proto/schema.h"

#include <stdio.h>

static int
s_check_examples (const char *path, const cf_schema_t *schema)
{
    int faults = 0;
    size_t at;
    cf_json_t *example;
    json_array_foreach (json_object_get (cf_schema_document (schema), "examples"), at, example) {
        cf_schema_fault_t fault;
        if (cf_schema_check (schema, example, &fault, 1)) {
            fprintf (stderr, "%s: example %zu: %s: %s\n", path, at, fault.field, fault.message);
            faults++;
        }
    }
    return faults;
}

int
main (int argc, char **argv)
{
    int faults = 0;
    for (int at = 1; at < argc; at++) {
        cf_error_t error = { 0 };
        cf_schema_t *schema = cf_schema_load (argv [at], &error);
        if (schema)
            faults += s_check_examples (argv [at], schema);
        else {
            fprintf (stderr, "%s\n", error.text);
            faults++;
        }
        cf_schema_destroy (&schema);
    }
    return faults? 1: 0;
}
