/* SPDX-License-Identifier: MPL-2.0 */
/*  program - what people type to run this program, so that a command that is shown to them can be copied */
#ifndef CF_CLI_PROGRAM_H
#define CF_CLI_PROGRAM_H

/*  "codeforge" where a shell would find this program by that word; else its path, from the present folder on where it lies below
    that. Static storage. */
const char *cf_program_name (void);

#endif
