/* SPDX-License-Identifier: MPL-2.0 */
/*  migrated - the test's own PostgreSQL with our tables in it */
#ifndef CF_TESTS_MIGRATED_H
#define CF_TESTS_MIGRATED_H

/*  As cf_test_postgres, with the *.sql of folder applied in the order of their names. Call it in main, before the suite runs. */
const char *cf_test_migrated (const char *folder);
/*  Runs a statement, waiting; returns the first value of its first row, "" where there is none; valid until the 4th next call.
    Ends the process with a message where it is refused. */
const char *cf_test_sql (const char *statement);

#endif
