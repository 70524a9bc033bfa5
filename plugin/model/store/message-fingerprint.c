/* message-fingerprint.c - hashes of a few messages, to recognise one when it comes again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "message-fingerprint.h"

void track_message_fingerprint_add(struct track_file_memory *memory, struct track_message_fingerprint **list,
                                   struct track_message_fingerprint message)
{
    if (*list == NULL)
        *list = (struct track_message_fingerprint *)track_file_alloc(memory, TRACK_FINGERPRINTS_MAX * sizeof **list);
    if (*list == NULL)
        return;
    struct track_message_fingerprint *oldest = *list;
    for (unsigned i = 1; i < TRACK_FINGERPRINTS_MAX; i++)
        if ((*list)[i].frame < oldest->frame)
            oldest = &(*list)[i];
    *oldest = message;
}

const struct track_message_fingerprint *track_message_fingerprint_find(const struct track_message_fingerprint *list,
                                                                       uint32_t hash)
{
    for (unsigned i = 0; list != NULL && i < TRACK_FINGERPRINTS_MAX; i++)
        if (list[i].frame != 0 && list[i].hash == hash)
            return &list[i];
    return NULL;
}
