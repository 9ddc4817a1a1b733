/* SPDX-License-Identifier: MPL-2.0 */
/*  main - prints the API's OpenAPI document
 *
 *  usage: codeforge-openapi [SOURCE-TREE]      "." where none is named
 *  Exit: 0; 1 with a reason where the tables, the schemas and their examples do not agree.
 */

#include "http-edge/openapi/document.h"

#include <stdio.h>
#include <stdlib.h>

int
main (int argc, char **argv)
{
    cf_error_t error = { 0 };
    cf_json_t *document = cf_document_new (argc > 1? argv [1]: ".", &error);
    char *text = document? json_dumps (document, JSON_INDENT (2) | JSON_REAL_PRECISION (15)): NULL;
    int exit_code = EXIT_SUCCESS;
    if (!text || puts (text) < 0 || fflush (stdout)) {
        fprintf (stderr, "codeforge-openapi: %s\n", document? "cannot be printed": error.text);
        exit_code = EXIT_FAILURE;
    }
    free (text);
    json_decref (document);
    return exit_code;
}
