/* session-table.c - the sessions of a capture, by broker and Client Identifier.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * There may be 100,000, so they are linked by a member of their own: a map's entries would take as much as the sessions.
 */
#include "session-table.h"

#include <string.h>

#include "../store/endpoint.h"
#include "../store/text.h"

enum { LISTS_FIRST = 64 };

/** A list for each value that the last bits of a hash can have. */
struct track_session_table {
    struct track_session **lists;
    uint32_t mask;
    uint32_t count;
};

static size_t size_of_buckets(uint32_t mask)
{
    return ((size_t)mask + 1) * sizeof(struct track_session *);
}

static void add_session(struct track_session_table *table, struct track_session *session)
{
    struct track_session **list = &table->lists[session->hash & table->mask];

    session->next = *list;
    *list = session;
    table->count++;
}

static void begin_table(struct track_capture *capture)
{
    struct track_session_table *table =
        (struct track_session_table *)track_file_alloc_always(&capture->memory, sizeof *table);

    table->mask = LISTS_FIRST - 1;
    table->lists = (struct track_session **)track_file_alloc_always(&capture->memory, size_of_buckets(table->mask));
    capture->sessions = table;
}

/** Doubles the lists; where there is no memory for that they only get longer. */
static void grow_table(struct track_file_memory *memory, struct track_session_table *table)
{
    struct track_session_table grown = {.mask = table->mask * 2 + 1};

    grown.lists = (struct track_session **)track_file_alloc(memory, size_of_buckets(grown.mask));
    if (grown.lists == NULL)
        return;
    for (uint32_t i = 0; i <= table->mask; i++)
        for (struct track_session *session = table->lists[i], *next; session != NULL; session = next) {
            next = session->next;
            add_session(&grown, session);
        }
    track_file_free(memory, table->lists, size_of_buckets(table->mask));
    *table = grown;
}

struct track_session *track_session_of(struct track_capture *capture, const struct track_endpoint *broker,
                                       const struct track_text *client_id)
{
    const uint32_t hash = track_hash_text(track_hash_endpoint(broker), client_id);
    size_t size = sizeof *client_id + client_id->length + 1;

    if (capture->sessions == NULL)
        begin_table(capture);
    struct track_session_table *table = capture->sessions;
    struct track_session *session = table->lists[hash & table->mask];
    while (session != NULL && (session->hash != hash || !track_is_same_endpoint(session->broker, broker) ||
                               !track_is_same_text(session->client_id, client_id)))
        session = session->next;
    if (session != NULL)
        return session;
    session = (struct track_session *)track_file_keep(&capture->memory, sizeof *session + size);
    if (session == NULL)
        return NULL;
    session->broker = broker;
    session->hash = hash;
    session->client_id = (const struct track_text *)memcpy(session + 1, client_id, size);
    add_session(table, session);
    if (table->count > table->mask)
        grow_table(&capture->memory, table);
    return session;
}
