/* conversation-filters.c: preloaded into tshark, prints the conversation filters that the plugin offers for each frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark's window asks for them when its menu is opened on a frame; tshark has no such menu. With this each of the plugin's
 * filters is asked when a frame has been dissected, before what was dissected is given up. A line of standard error is
 * `conversation-filter`, the frame, the filter's name and the filter, separated by tabs. test_filters.py reads them.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILTERS_MOST = 16 };

/** Callbacks as the plugin registers them; before 4.4 there is no pointer of their owner's. */
typedef int is_valid_function(void *pinfo, void *data);
typedef char *build_function(void *pinfo, void *data);

/** The beginning of Wireshark's struct of a dissection, up to its packet_info. */
struct dissection {
    void *session;
    void *tvb;
    void *tree;
    char pinfo[];
};

static struct {
    const char *name;
    is_valid_function *is_valid;
    build_function *build;
} filters[FILTERS_MOST];
static unsigned filter_count;
static unsigned frame;

void register_conversation_filter(const char *protocol, const char *name, is_valid_function *is_valid,
                                  build_function *build, void *data);
void epan_dissect_reset(struct dissection *dissection);

void register_conversation_filter(const char *protocol, const char *name, is_valid_function *is_valid,
                                  build_function *build, void *data)
{
    void (*real)(const char *, const char *, is_valid_function *, build_function *, void *) =
        (void (*)(const char *, const char *, is_valid_function *, build_function *, void *))dlsym(
            RTLD_NEXT, "register_conversation_filter");

    if (strcmp(protocol, "mqttscope") == 0 && filter_count < FILTERS_MOST) {
        filters[filter_count].name = name;
        filters[filter_count].is_valid = is_valid;
        filters[filter_count++].build = build;
    }
    real(protocol, name, is_valid, build, data);
}

void epan_dissect_reset(struct dissection *dissection)
{
    void (*real)(struct dissection *) = (void (*)(struct dissection *))dlsym(RTLD_NEXT, "epan_dissect_reset");

    frame++;
    for (unsigned i = 0; i < filter_count; i++)
        if (filters[i].is_valid(dissection->pinfo, NULL)) {
            char *text = filters[i].build(dissection->pinfo, NULL);
            fprintf(stderr, "conversation-filter\t%u\t%s\t%s\n", frame, filters[i].name, text);
            free(text);
        }
    real(dissection);
}
