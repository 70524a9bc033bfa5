/* record.c - the direction and the client, by the record of a control packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record.h"

enum tap_direction tap_direction_of(const struct tap_record *record)
{
    if (record->snapshot.broker == TRACK_END_UNKNOWN)
        return TAP_DIRECTION_UNKNOWN;
    return record->snapshot.broker == record->facts.sender ? TAP_TO_CLIENT : TAP_TO_BROKER;
}

const char *tap_client_of(const struct tap_record *record)
{
    switch (tap_direction_of(record)) {
    case TAP_TO_BROKER:
        return record->sender_name;
    case TAP_TO_CLIENT:
        return record->receiver_name;
    default:
        return NULL;
    }
}
