/* SPDX-License-Identifier: MPL-2.0 */
/*  supervisor - starts, watches, restarts and stops every process
 *
 *  Owns:       the plan and its processes; HOME's lock, log file and control socket; the settings and secrets it hands out.
 *  Start:      bus and database side by side, then all actors, then the edges; "ready" when each of them is.
 *  Tells:      the broker who has ended (GONE), so that calls to it fail at once; state.process.NAME, 1 ready 0 not.
 *  Hears:      state.peer.*: a process that lives but no longer beats is killed and started again.
 *  Stops:      on TERM, INT or `codeforge down`, backwards, each wave with patience; a second TERM kills.
 *  If it dies: the kernel kills its children (PR_SET_PDEATHSIG); the next start continues every open job.
 */
#ifndef CF_SUPERVISOR_SUPERVISOR_H
#define CF_SUPERVISOR_SUPERVISOR_H

/*  Told once: that all is ready (status 0, sentence is the banner), or why the start was given up (an exit status). */
typedef void (cf_supervisor_report_fn) (void *arg, int status, const char *sentence);

/*  Runs until it is stopped; settings must be loaded. Shows the log on the descriptor terminal (-1: not). Returns the exit
    status of the process. */
int cf_supervisor_run (int terminal, cf_supervisor_report_fn *report, void *arg);

#endif
