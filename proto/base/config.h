/* SPDX-License-Identifier: MPL-2.0 */
/*  config - the settings of proto/config.def, typed and checked
 *
 *  A process takes its settings from the descriptor that CF_CONFIG_FD names (how the supervisor hands each child
 *  just what its row allows, without putting secrets into an environment), else from the environment, else
 *  from the file .env in the working folder, else from the table's default.
 */
#ifndef CF_BASE_CONFIG_H
#define CF_BASE_CONFIG_H

#include "proto/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define CF_CONFIG_EXIT 78               /* EX_CONFIG of sysexits.h: the settings are at fault */

typedef enum {
#define SETTING(name_, type_, default_, min_, max_, flags_, choices_, caption_) CF_CONFIG_##name_,
#include "proto/config.def"
#undef SETTING
    CF_CONFIG_COUNT
} cf_config_id_t;

/*  Loads and checks all settings. 0, or -1 with *every* fault appended to faults, a line each. */
int cf_config_load (cf_buf_t *faults);
/*  As cf_config_load; on faults prints them to stderr and ends the process with CF_CONFIG_EXIT. */
void cf_config_load_or_exit (void);

/*  Values; strings are borrowed for the life of the process, "" where not set. */
const char *cf_config_str (cf_config_id_t id);
uint64_t cf_config_u64 (cf_config_id_t id);
bool cf_config_bool (cf_config_id_t id);
/*  In millionths of a US dollar; 0 where not set. */
uint64_t cf_config_usd (cf_config_id_t id);
/*  Whether a value was given (not just the default). */
bool cf_config_is_set (cf_config_id_t id);
/*  Replaces a value, e.g. by what the supervisor found out at start. 0, or -1 where the table forbids it. */
int cf_config_set (cf_config_id_t id, const char *value);

/*  About a row. */
const char *cf_config_name (cf_config_id_t id);
const char *cf_config_caption (cf_config_id_t id);
const char *cf_config_default (cf_config_id_t id);
bool cf_config_is_secret (cf_config_id_t id);
/*  The id of a name, or CF_CONFIG_COUNT. */
cf_config_id_t cf_config_lookup (const char *name);

/*  Appends NAME=VALUE lines of every setting that may go to a process; secrets only those whose bit
    (UINT64_C (1) << id) is in secrets. */
int cf_config_export (uint64_t secrets, cf_buf_t *out);

/*  Absolute path of a file below CODEFORGE_HOME: HOME/<relative>. Static buffer a call, valid until the 8th next call. */
const char *cf_config_home (const char *relative);
/*  Path of what programs read at run time (schema/…, prompts/…, migrations/…): next to the executable,
    ../share/<relative>, or below $CODEFORGE_SHARE. Same lifetime as cf_config_home. */
const char *cf_config_share (const char *relative);

#endif
