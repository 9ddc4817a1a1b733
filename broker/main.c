/* SPDX-License-Identifier: MPL-2.0 */
/*  codeforge-broker - settings, sockets' folder, signals; then the loop of broker.c
 *
 *  Environment beside the settings: CF_READY_FD, a descriptor that gets "\n" once the sockets are bound;
 *  CF_CAPTURE_WITHOUT_BODY, ids of messages whose bodies hold secrets ("40,41").
 *  Ends with 0 on TERM or INT, 78 where the settings are at fault, 71 where the system refuses (as sysexits.h has it).
 */

#include "broker/broker.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define CF_BROKER_MAX_PATH 100          /* sun_path has 108 bytes */
#define CF_BROKER_HWM 100000
#define CF_BROKER_METRICS_MS 5000
#define CF_BROKER_EXIT_SYSTEM 71        /* EX_OSERR */

/*  0, or -1 with the reason logged. */
static int
s_make_folder (const char *path, mode_t mode)
{
    if (mkdir (path, mode) == 0 || errno == EEXIST)
        return 0;
    cf_log_error ("cannot make the folder %s: %s", path, strerror (errno));
    return -1;
}

/*  Makes HOME/run, for nobody else to enter, and makes sure that no other broker works there. The lock's
    descriptor stays open for the life of the process; -1 with the reason logged. */
static int
s_enter_run_folder (void)
{
    if (s_make_folder (cf_config_home (""), 0711) || s_make_folder (cf_config_home ("run"), 0700))
        return -1;
    if (chmod (cf_config_home ("run"), 0700)) {
        cf_log_error ("cannot close the folder %s to others: %s", cf_config_home ("run"), strerror (errno));
        return -1;
    }
    /* binding takes a socket's path away from whoever has it: two brokers would each serve half of the peers */
    int lock = open (cf_config_home ("run/broker.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock >= 0 && flock (lock, LOCK_EX | LOCK_NB) == 0)
        return lock;
    if (errno == EWOULDBLOCK)
        cf_log_error ("another broker works in %s", cf_config_home ("run"));
    else
        cf_log_error ("cannot lock %s: %s", cf_config_home ("run/broker.lock"), strerror (errno));
    if (lock >= 0)
        close (lock);
    return -1;
}

/*  A descriptor that becomes readable on TERM and INT. Before any thread is there, so that all inherit the mask. */
static int
s_catch_signals (void)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    signal (SIGPIPE, SIG_IGN);
    if (sigprocmask (SIG_BLOCK, &set, NULL))
        return -1;
    return signalfd (-1, &set, SFD_CLOEXEC);
}

static void
s_say_ready (void)
{
    const char *text = getenv ("CF_READY_FD");
    int fd = text? atoi (text): -1;
    if (fd <= STDERR_FILENO)
        return;
    if (write (fd, "\n", 1) != 1)
        cf_log_warning ("nobody reads that the broker is ready");
    close (fd);
    unsetenv ("CF_READY_FD");
}

static int
s_run (int stop_fd)
{
    char endpoint [CF_BROKER_MAX_PATH + 16], capture [CF_BROKER_MAX_PATH + 16];
    int lock = s_enter_run_folder ();
    if (lock < 0)
        return CF_BROKER_EXIT_SYSTEM;
    const char *longest = cf_config_home ("run/capture.sock");      /* absolute, now that the folder is there */
    if (strlen (longest) > CF_BROKER_MAX_PATH) {
        cf_log_error ("the path %s has more than %d bytes: choose a shorter CODEFORGE_HOME", longest, CF_BROKER_MAX_PATH);
        close (lock);
        return CF_CONFIG_EXIT;
    }
    snprintf (endpoint, sizeof endpoint, "ipc://%s", cf_config_home ("run/broker.sock"));
    snprintf (capture, sizeof capture, "ipc://%s", cf_config_home ("run/capture.sock"));
    const char *secrets = getenv ("CF_CAPTURE_WITHOUT_BODY");
    cf_broker_options_t options = {
        .endpoint = endpoint, .capture_endpoint = capture, .capture_without_body = secrets? secrets: "",
        .beat_ms = CF_ENVELOPE_BEAT_MS, .metrics_ms = CF_BROKER_METRICS_MS, .hwm = CF_BROKER_HWM,
        .queue_max = cf_config_u64 (CF_CONFIG_BROKER_QUEUE_MAX), .grace_ms = cf_config_u64 (CF_CONFIG_BROKER_GRACE_MS),
    };
    cf_error_t error;
    int status = CF_BROKER_EXIT_SYSTEM;
    cf_broker_t *broker = cf_broker_new (&options, &error);
    if (broker) {
        cf_log_info ("listening on %s", endpoint);
        s_say_ready ();
        status = cf_broker_run (broker, stop_fd)? CF_BROKER_EXIT_SYSTEM: EXIT_SUCCESS;
    } else {
        cf_log_error ("%s", error.text);
        if (error.code == CF_ERROR_INVALID)
            status = CF_CONFIG_EXIT;
    }
    cf_broker_destroy (&broker);
    close (lock);
    return status;
}

int
main (void)
{
    cf_config_load_or_exit ();
    cf_log_init ("broker");
    int stop_fd = s_catch_signals ();
    if (stop_fd < 0) {
        cf_log_error ("cannot catch signals: %s", strerror (errno));
        return CF_BROKER_EXIT_SYSTEM;
    }
    int status = s_run (stop_fd);
    close (stop_fd);
    return status;
}
