/* pending-requests.c - the requests that have no Packet Identifier and wait for their response: CONNECT, PINGREQ and AUTH.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The latest of each type waits. Each end has a list of them, since mostly there is none, or one.
 */
#include "pending-requests.h"

/** The link to the request of a type, or the end of the list. */
static struct track_pending_request **find_link(struct track_pending_request **link, enum mqtt_packet_type type)
{
    while (*link != NULL && (*link)->type != type)
        link = &(*link)->next;
    return link;
}

const struct track_pending_packet *track_find_pending_request(const struct track_connection *connection, unsigned end,
                                                              enum mqtt_packet_type type)
{
    const struct track_pending_request *request = connection->pending[end];

    while (request != NULL && request->type != type)
        request = request->next;
    return request != NULL ? &request->waiting : NULL;
}

struct track_pending_packet *track_add_pending_request(struct track_context *tracking)
{
    enum mqtt_packet_type type = tracking->packet->type;
    struct track_pending_request **link = find_link(&tracking->connection->pending[tracking->sender], type);

    if (*link == NULL) {
        *link = (struct track_pending_request *)track_alloc(tracking, sizeof **link);
        if (*link == NULL)
            return NULL;
        (*link)->type = type;
    }
    return &(*link)->waiting;
}

void track_remove_pending_request(struct track_connection *connection, unsigned end, enum mqtt_packet_type type)
{
    struct track_pending_request **link = find_link(&connection->pending[end], type);
    struct track_pending_request *request = *link;

    if (request == NULL)
        return;
    *link = request->next;
    track_file_free(&connection->capture->memory, request, sizeof *request);
}
