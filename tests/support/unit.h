/* SPDX-License-Identifier: MPL-2.0 */
/*  unit - one suite, one main: UNIT_MAIN (suite name, test functions …)
 *
 *  CK_FORK is left to the environment (CK_FORK=no under a debugger).
 */
#ifndef CF_TESTS_UNIT_H
#define CF_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

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
