/* fork-at-open.c: preloaded into tshark, makes one process read one capture after the other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Most of a short run of tshark is its start: thousands of protocols are registered before the capture is opened. With this,
 * tshark stops where it would open it. For each path that comes on its standard input it forks; the child opens that capture
 * and goes on as if nothing had been, with its output where tshark's own would be. forkserver.py is the other side.
 *
 * A child does not take Wireshark apart at its end, which is left to processes that nobody forked.
 *
 * MQTTSCOPE_FORK_REPORTS names a descriptor. "ready" is written there once, then the wait status of each child, a line each.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_child;

/** The arguments behind the path are handed on as they come: they differ between versions. */
typedef void *open_function(const char *path, long, long, long, long, long);

open_function wtap_open_offline;
void epan_cleanup(void);

/** Reads a line without its end, and not a byte more, since a child shares the descriptor; false at the end of file. */
static bool read_path(char path[PATH_MAX])
{
    for (size_t length = 0; length < PATH_MAX && read(STDIN_FILENO, &path[length], 1) == 1; length++) {
        if (path[length] == '\n') {
            path[length] = '\0';
            return true;
        }
    }
    return false;
}

/** Returns in each child, with the path that it shall open; the parent never returns. */
static void serve(int reports, char path[PATH_MAX])
{
    dprintf(reports, "ready\n");
    while (read_path(path)) {
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            is_child = true;
            close(reports);
            dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
            return;
        }
        if (child < 0 || waitpid(child, &status, 0) < 0)
            _exit(EXIT_FAILURE);
        dprintf(reports, "%d\n", status);
    }
    _exit(EXIT_SUCCESS);
}

void *wtap_open_offline(const char *path, long type, long err, long err_info, long do_random, long more)
{
    static char own_path[PATH_MAX];
    const char *reports = getenv("MQTTSCOPE_FORK_REPORTS");
    open_function *real = (open_function *)dlsym(RTLD_NEXT, "wtap_open_offline");

    if (reports == NULL || is_child)
        return real(path, type, err, err_info, do_random, more);
    serve(atoi(reports), own_path);
    return real(own_path, type, err, err_info, do_random, more);
}

/** Frees what was registered, a page of memory at a time that the child would have to copy first. */
void epan_cleanup(void)
{
    void (*real)(void) = (void (*)(void))dlsym(RTLD_NEXT, "epan_cleanup");

    if (!is_child)
        real();
}
