/* SPDX-License-Identifier: MPL-2.0 */
/*  config - sources, checks, what reaches whom */

#include "proto/base/config.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*  Each test runs in a process of its own (check forks), in an empty folder, so that no .env is found. */
static void
s_enter_empty_folder (void)
{
    char folder [] = "/tmp/cf-config-XXXXXX";
    ck_assert_ptr_nonnull (mkdtemp (folder));
    ck_assert_int_eq (chdir (folder), 0);
    ck_assert_int_eq (rmdir (folder), 0);
}

START_TEST (defaults_are_valid)
{
    s_enter_empty_folder ();
    cf_buf_t faults;
    cf_buf_init (&faults, 10000);
    ck_assert_msg (cf_config_load (&faults) == 0, "%s", faults.bytes);
    ck_assert_uint_eq (cf_config_u64 (CF_CONFIG_PORT), 8000);
    ck_assert_str_eq (cf_config_str (CF_CONFIG_ENVIRONMENT), "development");
    ck_assert (!cf_config_is_set (CF_CONFIG_PORT));
    for (int id = 0; id < CF_CONFIG_COUNT; id++)
        ck_assert_msg (*cf_config_caption ((cf_config_id_t) id), "%s has no caption", cf_config_name ((cf_config_id_t) id));
    cf_buf_free (&faults);
}
END_TEST

START_TEST (every_fault_is_named_at_once)
{
    s_enter_empty_folder ();
    setenv ("PORT", "70000", 1);
    setenv ("AGENT_TIMEOUT", "12s", 1);
    setenv ("LOG_LEVEL", "loud", 1);
    setenv ("SUPABASE_JWT_SECRET", "tooshort", 1);
    setenv ("ENVIRONMENT", "production", 1);
    cf_buf_t faults;
    cf_buf_init (&faults, 10000);
    ck_assert_int_eq (cf_config_load (&faults), -1);
    static const char *const named [] = { "PORT", "AGENT_TIMEOUT", "LOG_LEVEL", "SUPABASE_JWT_SECRET", "DATABASE_URL" };
    for (size_t at = 0; at < sizeof named / sizeof named [0]; at++)
        ck_assert_msg (strstr (faults.bytes, named [at]) != NULL, "%s is not in: %s", named [at], faults.bytes);
    ck_assert_msg (!strstr (faults.bytes, "tooshort"), "a secret's value is told");
    cf_buf_free (&faults);
}
END_TEST

START_TEST (amounts_are_exact)
{
    static const struct { const char *text; uint64_t millionths; } good [] = {
        { "", 0 }, { "0", 0 }, { "0.00", 0 }, { "1", 1000000 }, { "0.05", 50000 }, { "12.345678", 12345678 }, { "007.5", 7500000 },
        { "1000000", UINT64_C (1000000000000) }, { "0.000001", 1 }
    };
    static const char *const bad [] = {
        "-1", "+1", "1.", ".5", "1e3", "0x10", "nan", "inf", "1.2345678", "1,5", "$5", "5 ", " 5", "1000000.000001", "99999999999999999999", "1.5.2"
    };
    s_enter_empty_folder ();
    cf_buf_t faults;
    cf_buf_init (&faults, 10000);
    setenv ("MAX_JOB_COST_USD", "five", 1);
    ck_assert_int_eq (cf_config_load (&faults), -1);
    ck_assert_str_eq (faults.bytes, "MAX_JOB_COST_USD=five: must be US dollars from 0 to 1000000, with at most 6 decimals\n");
    for (size_t at = 0; at < sizeof bad / sizeof bad [0]; at++)
        ck_assert_msg (cf_config_set (CF_CONFIG_MAX_JOB_COST_USD, bad [at]) == -1, "%s", bad [at]);
    ck_assert_uint_eq (cf_config_usd (CF_CONFIG_MAX_JOB_COST_USD), 0);
    for (size_t at = 0; at < sizeof good / sizeof good [0]; at++) {
        ck_assert_int_eq (cf_config_set (CF_CONFIG_MAX_JOB_COST_USD, good [at].text), 0);
        ck_assert_uint_eq (cf_config_usd (CF_CONFIG_MAX_JOB_COST_USD), good [at].millionths);
    }
    cf_buf_free (&faults);
}
END_TEST

START_TEST (the_environment_beats_dotenv)
{
    char folder [] = "/tmp/cf-config-XXXXXX";
    ck_assert_ptr_nonnull (mkdtemp (folder));
    ck_assert_int_eq (chdir (folder), 0);
    FILE *file = fopen (".env", "w");
    fputs ("# ours\nPORT=9001\nexport LOG_LEVEL=\"debug\"\nSIMULATOR_PORT = 5\nNOT_OURS=1\n", file);
    fclose (file);
    setenv ("PORT", "9002", 1);
    cf_buf_t faults;
    cf_buf_init (&faults, 10000);
    ck_assert_msg (cf_config_load (&faults) == 0, "%s", faults.bytes);
    ck_assert_uint_eq (cf_config_u64 (CF_CONFIG_PORT), 9002);
    ck_assert_str_eq (cf_config_str (CF_CONFIG_LOG_LEVEL), "debug");
    cf_buf_free (&faults);
    unlink (".env");
    rmdir (folder);
}
END_TEST

START_TEST (a_process_gets_just_its_secrets)
{
    s_enter_empty_folder ();
    setenv ("OPENAI_API_KEY", "sk-123", 1);
    setenv ("SUPABASE_JWT_SECRET", "0123456789abcdef0123", 1);
    cf_buf_t faults, out;
    cf_buf_init (&faults, 10000);
    cf_buf_init (&out, 100000);
    ck_assert_int_eq (cf_config_load (&faults), 0);
    cf_config_export (UINT64_C (1) << CF_CONFIG_OPENAI_API_KEY, &out);
    ck_assert_ptr_nonnull (strstr (out.bytes, "OPENAI_API_KEY=sk-123\n"));
    ck_assert_ptr_null (strstr (out.bytes, "SUPABASE_JWT_SECRET"));
    cf_buf_free (&faults);
    cf_buf_free (&out);
}
END_TEST

START_TEST (a_descriptor_replaces_all_other_sources)
{
    s_enter_empty_folder ();
    int fd = memfd_create ("settings", 0);
    ck_assert_int_gt (dprintf (fd, "PORT=9100\nENVIRONMENT=production\n"), 0);
    lseek (fd, 0, SEEK_SET);
    char number [16];
    snprintf (number, sizeof number, "%d", fd);
    setenv ("CF_CONFIG_FD", number, 1);
    setenv ("LOG_LEVEL", "debug", 1);
    cf_buf_t faults;
    cf_buf_init (&faults, 10000);
    ck_assert_msg (cf_config_load (&faults) == 0, "%s", faults.bytes);
    ck_assert_uint_eq (cf_config_u64 (CF_CONFIG_PORT), 9100);
    ck_assert_str_eq (cf_config_str (CF_CONFIG_LOG_LEVEL), "info");
    ck_assert_ptr_null (getenv ("CF_CONFIG_FD"));
    cf_buf_free (&faults);
}
END_TEST

UNIT_MAIN ("config", defaults_are_valid, every_fault_is_named_at_once, amounts_are_exact, the_environment_beats_dotenv,
           a_process_gets_just_its_secrets, a_descriptor_replaces_all_other_sources)
