/* SPDX-License-Identifier: MPL-2.0 */
/*  postgres - a PostgreSQL of the test's own: in a new folder below /tmp, on a Unix socket only, gone with the test
 *
 *  A keeper process owns the server, so that it is stopped and its folder removed however the test ends. Start it in
 *  main, before the suite runs, and every forked test case uses the same server.
 */
#ifndef CF_TESTS_POSTGRES_H
#define CF_TESTS_POSTGRES_H

/*  postgresql:// URL of an empty database; starts the server at the first call. Ends the process with a message if
    that cannot be done. */
const char *cf_test_postgres (void);
/*  Ends the server as a crash would (kill -9), and starts it again; both wait until that is done. */
void cf_test_postgres_kill (void);
void cf_test_postgres_start (void);
/*  Stops the server and removes its folder now rather than at exit. Only in the process that started it. */
void cf_test_postgres_stop (void);

#endif
