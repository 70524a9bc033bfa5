/* report-menu.c - Tools > MQTT of Wireshark's window: makes the page of the file that is open, and opens it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The command mqttscope does it, as a process of its own that reads the saved file. It is given the profile in force, which
 * has the Decode As entries and the TLS key log. Its arguments pass through no shell.
 */
#include <unistd.h>

#include <epan/plugin_if.h>
#include <glib-unix.h>
#include <wsutil/filesystem.h>
#include <wsutil/report_message.h>

#include "compat.h"
#include "mqttscope.h"

/* Of what the command says is wrong. */
enum { MESSAGE_SIZE = 2000 };

/** What of the open file matters here. */
struct open_file {
    char *path; /* g_free */
    const char *trouble;
};

/** Finds out the path of the open file, or why there is no page of it. */
static void *look_at_file(capture_file *capture, void *data)
{
    struct open_file *file = (struct open_file *)data;

    if (capture->state != FILE_READ_DONE)
        file->trouble = "No file is open, or it is not yet read completely. Open one, or wait.";
    else if (capture->is_tempfile || capture->filename == NULL)
        file->trouble = "The capture is not saved. Save it; then a page can be made of its file.";
    else
        file->path = g_canonicalize_filename(capture->filename, NULL);
    return NULL;
}

/** The path of the command: the one in the PATH before the one that was installed with the plugin; NULL for none. g_free. */
static char *find_command(void)
{
    char *found = g_find_program_in_path("mqttscope");

    return found != NULL ? found : g_find_program_in_path(MQTTSCOPE_COMMAND);
}

/** The command has ended. `data` is the end of the pipe that its complaints come from. */
static void tell_outcome(GPid process, gint status, gpointer data)
{
    int complaints = GPOINTER_TO_INT(data);

    if (status != 0) {
        char said[MESSAGE_SIZE];
        ssize_t length = read(complaints, said, sizeof said);
        char *text = g_utf8_make_valid(said, MAX(length, 0));

        report_failure("No page of the capture was opened.\n\n%s", g_strstrip(text));
        g_free(text);
    }
    close(complaints);
    g_spawn_close_pid(process);
}

/** Starts the command on a file. */
static void start_command(const char *command, const char *path)
{
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
    GPid process;
    int complaints;
    GError *fault = NULL;

    g_ptr_array_add(arguments, g_strdup(command));
    g_ptr_array_add(arguments, g_strdup("report"));
    g_ptr_array_add(arguments, g_strdup("--open"));
    g_ptr_array_add(arguments, g_strdup_printf("--profile=%s", get_profile_name()));
    g_ptr_array_add(arguments, g_strdup(path));
    g_ptr_array_add(arguments, NULL);
    if (g_spawn_async_with_pipes(NULL, (char **)arguments->pdata, NULL,
                                 G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, &process, NULL,
                                 NULL, &complaints, &fault)) {
        /* Whoever else holds the pipe must not keep the window waiting. */
        g_unix_set_fd_nonblocking(complaints, TRUE, NULL);
        g_child_watch_add(process, tell_outcome, GINT_TO_POINTER(complaints));
    } else {
        report_failure("%s cannot be started: %s", command, fault->message);
        g_error_free(fault);
    }
    g_ptr_array_free(arguments, TRUE);
}

static void open_page(ext_menubar_gui_type gui _U_, gpointer window _U_, gpointer data _U_)
{
    struct open_file file = {NULL, NULL};

    if (geteuid() == 0) {
        report_failure("No page is made and no browser started as root. Open the file as another user.");
        return;
    }
    plugin_if_get_capture_file(look_at_file, &file);
    char *command = find_command();
    if (file.path == NULL)
        report_failure("%s", file.trouble != NULL ? file.trouble : "No file is open.");
    else if (command == NULL)
        report_failure(
            "The command mqttscope, which makes the page, is not in the PATH, and there is no %s. Install it, or add "
            "its folder to the PATH and start Wireshark again.",
            MQTTSCOPE_COMMAND);
    else
        start_command(command, file.path);
    g_free(command);
    g_free(file.path);
}

void report_menu_register(int proto)
{
    ext_menu_t *menu = ext_menubar_register_menu(proto, "MQTT", TRUE);

    ext_menubar_set_parentmenu(menu, "Tools");
    ext_menubar_add_entry(menu, "Open a Page of This File",
                          "Makes a page of the saved file by mqttscope report, and opens it in the browser", open_page,
                          NULL);
}
