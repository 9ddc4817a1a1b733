/* SPDX-License-Identifier: MPL-2.0 */
/*  unit - one suite, one main: UNIT_MAIN (suite name, test functions …)
 *
 *  CK_FORK is left to the environment (CK_FORK=no under a debugger). CF_SHARED names the folder of the public collections that
 *  some tests read (json-parsing, json-schema-test-suite, wire); default: ../shared/data beside the sources.
 */
#ifndef CF_TESTS_UNIT_H
#define CF_TESTS_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*  The folder of a collection, in static storage; NULL where it is not here: the test that wants it says so and is skipped. */
static inline const char *unit_collection (const char *name)
{
    static char folder [512];
    const char *shared = getenv ("CF_SHARED");
    snprintf (folder, sizeof folder, "%s/%s", shared? shared: CF_SOURCE_DIR "/../shared/data", name);
    if (access (folder, R_OK | X_OK) == 0)
        return folder;
    printf ("SKIPPED the collection %s is not here (CF_SHARED)\n", name);
    fflush (stdout);
    return NULL;
}

#define UNIT_MAIN(name_, ...)                                                                   \
    int main (void)                                                                             \
    {                                                                                           \
        const TTest *tests [] = { __VA_ARGS__ };                                                \
        Suite *suite = suite_create (name_);                                                    \
        TCase *tests_case = tcase_create (name_);                                               \
        tcase_set_timeout (tests_case, 60);                                                     \
        for (size_t at = 0; at < sizeof tests / sizeof tests [0]; at++)                         \
            tcase_add_test (tests_case, tests [at]);                                            \
        suite_add_tcase (suite, tests_case);                                                    \
        SRunner *runner = srunner_create (suite);                                               \
        srunner_run_all (runner, CK_NORMAL);                                                    \
        int failed = srunner_ntests_failed (runner);                                            \
        srunner_free (runner);                                                                  \
        return failed? EXIT_FAILURE: EXIT_SUCCESS;                                              \
    }

#endif
